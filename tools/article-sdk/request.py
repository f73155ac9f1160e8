"""The how-to's request, sent from a host in the network; the answer goes to a file too.

usage: request.py SCORING_URI REQUEST.json ANSWER.json
"""

import sys
from pathlib import Path

import requests

scoring_uri, request, answer = sys.argv[1:]
response = requests.post(
    scoring_uri, data=Path(request).read_bytes(), headers={"Content-Type": "application/json"}, timeout=10
)
response.raise_for_status()
print(response.text)
Path(answer).write_text(response.text)
