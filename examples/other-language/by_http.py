#!/usr/bin/env python3
"""A worker in Python that longshore posts each task to, so that its start and its
connections are paid for once:

    ./by_http.py 8080 &
    longshore work --queue 'sqs://orders?region=eu-west-1' --http http://127.0.0.1:8080/tasks

The body is the task's data, headers say what is known about it. The status of the
answer decides what becomes of it.
"""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Tasks(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        attempt = int(self.headers["Longshore-Attempt"])
        try:
            order = json.loads(body)["order"]
        except (ValueError, KeyError, TypeError):
            self.answer(422, "the task has no order")  # 4xx: to the dead letter
            return
        if order == "flaky" and attempt == 1:
            # 503 and 429: again, after Retry-After. Other 5xx: after a backoff.
            self.answer(503, "the bank does not answer", {"Retry-After": "0"})
            return
        # In one piece: requests are served side by side.
        sys.stdout.write(f"paid {order}, attempt {attempt}\n")
        sys.stdout.flush()
        self.answer(200)  # done

    def answer(self, status, text="", headers=()):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name in headers:
            self.send_header(name, headers[name])
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass  # longshore tells what fails


if __name__ == "__main__":
    # On loopback: whoever can post here can have orders paid.
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Tasks)
    print(f"listening on http://127.0.0.1:{server.server_port}/tasks", flush=True)
    server.serve_forever()
