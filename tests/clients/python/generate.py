"""The client generator, in half of its time: runs `openapi-python-client` with the arguments that are given."""

from __future__ import annotations

import copy

from openapi_python_client.cli import app
from openapi_python_client.parser import openapi

# To sort the parameters of an operation it copies the operation with all that hangs on it, twice; what it then changes
# lies on the top.
openapi.deepcopy = copy.copy

app()
