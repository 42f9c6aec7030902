// The activity that measures distances. Runs until it is ended. The argument is HOST:PORT.
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"os/signal"
	"syscall"

	"github.com/microsoft/durabletask-go/backend"
	"github.com/microsoft/durabletask-go/client"
	"github.com/microsoft/durabletask-go/task"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// A place on the globe, in degrees.
type place struct{ latitude, longitude float64 }

var places = map[string]place{
	"Tokyo":   {35.68, 139.69},
	"Seattle": {47.61, -122.33},
	"London":  {51.51, -0.13},
}

type leg struct{ From, To string }

// distance is the way along a great circle, in whole kilometres.
func distance(ctx task.ActivityContext) (any, error) {
	var leg leg
	if err := ctx.GetInput(&leg); err != nil {
		return nil, err
	}
	from, known := places[leg.From]
	to, alsoKnown := places[leg.To]
	if !known || !alsoKnown {
		return nil, fmt.Errorf("no way from %q to %q", leg.From, leg.To)
	}
	const earthRadius, degree = 6371, math.Pi / 180
	sin := func(degrees float64) float64 { return math.Sin(degrees * degree) }
	cos := func(degrees float64) float64 { return math.Cos(degrees * degree) }
	angle := math.Acos(sin(from.latitude)*sin(to.latitude) +
		cos(from.latitude)*cos(to.latitude)*cos(from.longitude-to.longitude))
	return math.Round(earthRadius * angle), nil
}

func main() {
	address := "127.0.0.1:7071"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	registry := task.NewTaskRegistry()
	if err := registry.AddActivityN("Distance", distance); err != nil {
		log.Fatal(err)
	}
	connection, err := grpc.Dial(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStreamInterceptor(serving("Distance")))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	worker := client.NewTaskHubGrpcClient(connection, backend.DefaultLogger())
	if err := worker.StartWorkItemListener(ctx, registry); err != nil {
		log.Fatal(err)
	}
	<-ctx.Done()
}
