#!/bin/sh
# FastAPI 0.165.0 (with Starlette 1.10.0) beside FastAPI 0.115.0 (with Starlette 0.38.6): the route that a request's ASGI
# scope names.
#
# Expected: scope["route"].path is the pattern of the path that was asked for, as it was in 0.115.0 and is in Starlette:
# middlewares that measure or trace read it there (https://fastapi.tiangolo.com/advanced/middleware/).
# Observed: in 0.165.0 it is the pattern within the router that has the endpoint, without the prefixes that include_router()
# and APIRouter(prefix=...) give it. Routers are no longer flattened into the application: the whole pattern is in
# scope["fastapi"]["effective_route_context"].
# Why it matters: a counter by route adds up routes of different routers that end alike, as /orders/{id} of two versions of
# an interface, and nothing says so: the series are there, their numbers are wrong. Read the effective route where there
# is one.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/served.py" <<'PYTHON'
import warnings

warnings.simplefilter("ignore")
from fastapi import APIRouter, FastAPI, __version__
from fastapi.testclient import TestClient

orders = APIRouter(prefix="/orders")


@orders.get("/{number}")
def order(number: int):
    return number


app = FastAPI()
for version in ("/v1", "/v2"):
    app.include_router(orders, prefix=version)
seen = []


@app.middleware("http")
async def note(request, answer):
    response = await answer(request)
    effective = request.scope.get("fastapi", {}).get("effective_route_context")
    seen.append((request.scope["route"].path, getattr(effective, "path", None)))
    return response


client = TestClient(app)
for version in ("v1", "v2"):
    assert client.get(f"/{version}/orders/7").json() == 7
print(__version__, seen)
PYTHON
found=
for pins in "fastapi==0.115.0 starlette==0.38.6 httpx==0.27.2" "fastapi==0.165.0 starlette==1.10.0 httpx==0.28.1"; do
    python3 -m venv --clear "$place/venv"
    "$place/venv/bin/pip" install --quiet --disable-pip-version-check $pins
    found="$found$("$place/venv/bin/python" "$place/served.py")
"
done
printf '%s' "$found"
[ "$found" = "0.115.0 [('/v1/orders/{number}', None), ('/v2/orders/{number}', None)]
0.165.0 [('/orders/{number}', '/v1/orders/{number}'), ('/orders/{number}', '/v2/orders/{number}')]
" ] || { echo "This has changed." >&2; exit 1; }
