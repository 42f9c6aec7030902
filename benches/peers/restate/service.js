// The service: a handler of so many durable steps, one after another. Listens on the loopback address and sends the port to its parent.
import http2 from "node:http2";
import { createEndpointHandler, service } from "@restatedev/restate-sdk";

// Node 20 does not have it, and the SDK wants it.
Promise.withResolvers ??= () => {
  const resolvers = {};
  resolvers.promise = new Promise((resolve, reject) => Object.assign(resolvers, { resolve, reject }));
  return resolvers;
};

const bench = service({
  name: "Bench",
  handlers: {
    sequence: async (ctx, activities) => {
      for (let i = 0; i < activities; i++) {
        await ctx.run("step", () => "done");
      }
      return "done";
    },
  },
});

const server = http2.createServer(createEndpointHandler({ services: [bench] }));
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
// Whoever started it is gone.
process.on("disconnect", () => process.exit());
