"""A server in place of the release downloads, for programs_test.sh. usage: stand_in.py FOLDER

Serves the files of FOLDER on a free port of loopback, which it prints. A path below /broken ends in the middle of the file,
one below /stalled never begins. The paths that were asked for go to FOLDER/requests.
"""

import http.server
import sys
import time
from pathlib import Path

FOLDER = Path(sys.argv[1])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with (FOLDER / "requests").open("a") as requests:
            requests.write(self.path + "\n")
        manner, _, name = self.path.lstrip("/").partition("/")
        file = FOLDER / name
        if not file.is_file():
            self.send_error(404)
            return
        content = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if manner == "stalled":
            self.wfile.flush()
            time.sleep(30)
        self.wfile.write(content[: len(content) // 2] if manner == "broken" else content)

    def log_message(self, *_: object) -> None:
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
