package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// The fields of GetWorkItemsRequest, WorkItemFilters and ActivityFilter that are needed here.
const (
	workItemFilters = 11
	activities      = 2
	name            = 1
)

// serving tells the server which activities a worker serves. The protocol has a field for that, which this version of the SDK does not
// know yet; so the request for work gets it on its way out. Without it the server would take the worker for one that serves everything.
func serving(names ...string) grpc.StreamClientInterceptor {
	var listed []byte
	for _, each := range names {
		listed = appendMessage(listed, activities, appendMessage(nil, name, []byte(each)))
	}
	filters := appendMessage(nil, workItemFilters, listed)
	return func(ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn, method string,
		open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
		stream, err := open(ctx, description, connection, method, options...)
		if err != nil || method != "/TaskHubSidecarService/GetWorkItems" {
			return stream, err
		}
		return &namedStream{stream, filters}, nil
	}
}

func appendMessage(to []byte, number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), content)
}

type namedStream struct {
	grpc.ClientStream
	filters []byte
}

func (s *namedStream) SendMsg(message any) error {
	if request, ok := message.(proto.Message); ok {
		request.ProtoReflect().SetUnknown(s.filters)
	}
	return s.ClientStream.SendMsg(message)
}
