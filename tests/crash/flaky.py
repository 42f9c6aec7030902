"""A TCP proxy whose connections can be cut, as a bad network does."""

import contextlib
import socket
import threading


class Proxy:
    def __init__(self, target_port):
        self.target, self.pairs, self.lock = target_port, [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                near.close()
                continue
            pair = (near, far)
            with self.lock:
                self.pairs.append(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._pump, args=(source, sink, pair), daemon=True).start()

    def _pump(self, source, sink, pair):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        self._cut(pair)

    def _cut(self, pair):
        with self.lock:
            if pair in self.pairs:
                self.pairs.remove(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def cut_one(self, chance):
        """Cuts one of the connections that are open, if there is any."""
        with self.lock:
            pair = chance.choice(self.pairs) if self.pairs else None
        if pair:
            self._cut(pair)
        return pair is not None

    def close(self):
        self.listener.close()
        for pair in list(self.pairs):
            self._cut(pair)
