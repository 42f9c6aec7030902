// The sidecar of durabletask-go on its SQLite backend, as the module's own main.go puts it together, but on the loopback address and without a
// line of log per work item. `durahub bench` measures it over gRPC.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log"
	"net"
	"strings"

	"github.com/microsoft/durabletask-go/backend"
	"github.com/microsoft/durabletask-go/backend/sqlite"
	"google.golang.org/grpc"
	_ "modernc.org/sqlite"
)

func main() {
	file := flag.String("db", "", "the file of the database; made if it is not there")
	tuned := flag.Bool("tuned", false, "a write-ahead log instead of the rollback journal, and many work items at a time")
	flag.Parse()
	if *file == "" {
		log.Fatal("-db is missing: without it, the backend would keep everything in memory")
	}
	dsn, parallel := "file:"+*file, backend.NewWorkerOptions().MaxParallelWorkItems
	if *tuned {
		dsn += "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
		parallel = 64
	}

	server := grpc.NewServer()
	worker := taskHubWorker(server, dsn, parallel)
	if err := worker.Start(context.Background()); err != nil {
		log.Fatalf("the worker does not start: %v", err)
	}
	said, err := durability(dsn)
	if err != nil {
		log.Fatalf("the database does not say how durable it is: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("Settings: %s, work items at a time: %d\nListening on http://%s\n", said, parallel, listener.Addr())
	log.Fatal(server.Serve(listener))
}

func taskHubWorker(server *grpc.Server, dsn string, parallel int32) backend.TaskHubWorker {
	logger := quiet{backend.DefaultLogger()}
	be := sqlite.NewSqliteBackend(sqlite.NewSqliteOptions(dsn), logger)
	executor, register := backend.NewGrpcExecutor(be, logger)
	register(server)
	atATime := backend.WithMaxParallelism(parallel)
	orchestrations := backend.NewOrchestrationWorker(be, executor, logger, atATime)
	activities := backend.NewActivityTaskWorker(be, executor, logger, atATime)
	return backend.NewTaskHubWorker(be, orchestrations, activities, logger)
}

// durability is what a connection that is made as the backend makes its own says about itself.
func durability(dsn string) (string, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return "", err
	}
	defer db.Close()
	var journal string
	var level int
	if err := db.QueryRow("PRAGMA journal_mode").Scan(&journal); err != nil {
		return "", err
	}
	if err := db.QueryRow("PRAGMA synchronous").Scan(&level); err != nil {
		return "", err
	}
	names := []string{"OFF", "NORMAL", "FULL", "EXTRA"}
	return fmt.Sprintf("SQLite, %s journal, synchronous=%s", strings.ToUpper(journal), names[level]), nil
}

// quiet tells of what went wrong only, and on standard error.
type quiet struct{ backend.Logger }

func (quiet) Debug(...any)          {}
func (quiet) Debugf(string, ...any) {}
func (quiet) Info(...any)           {}
func (quiet) Infof(string, ...any)  {}
