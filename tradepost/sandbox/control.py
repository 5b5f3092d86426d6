"""The sandbox's control API, under `/_sandbox/`: what a person, an administrator or fate would do.

    GET    /_sandbox/                     vendors with their methods
    POST   /_sandbox/{vendor}/{method}    a control method, its arguments as a JSON object; answers {"result": ...}
    GET    /_sandbox/statistics           what the vendors count
    GET    /_sandbox/dump                 everything they hold
    GET    /_sandbox/requests             requests received, with kind read or write (?vendor=&operation=&kind=)
    DELETE /_sandbox/requests             forget them
    GET    /_sandbox/faults               orders not yet met
    POST   /_sandbox/faults               order a fault for the n-th next matching call (fields of `kernel.Fault`)
    DELETE /_sandbox/faults               take all orders back

A vendor lists what may be called in its attribute `CONTROLS`; `controlled` is the object that has these methods where
it is not the vendor. Bytes are given as text (UTF-8) or, under the argument's name with `_base64` behind it, as base64;
what a `*parameter` takes, as a list under its name. Time is real: nothing here moves it.
"""

from __future__ import annotations

import inspect
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pydantic import TypeAdapter, ValidationError, validate_call
from pydantic_core import to_jsonable_python
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tradepost.sandbox.kernel import Fault, RequestRecord, Vendor, World

PREFIX = "/_sandbox"
_FAULT = TypeAdapter(Fault)


class ControlError(Exception):
    """A control call that cannot be carried out; `status` is the answer's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def controls(vendor: Vendor) -> tuple[str, ...]:
    """The control methods a vendor lets be called from outside."""
    return tuple(getattr(vendor, "CONTROLS", ()))


def control(vendor: Vendor, name: str) -> Callable[..., Any]:
    """The method behind a name of `controls`."""
    found: Callable[..., Any] = getattr(getattr(vendor, "controlled", vendor), name)
    return found


def control_app(world: World, vendors: Mapping[str, Vendor]) -> Starlette:
    """The control API of a world as an ASGI app, by vendor name."""
    return Starlette(
        routes=[
            Route(f"{PREFIX}/", _Overview(vendors).get, methods=["GET"]),
            Route(f"{PREFIX}/statistics", _Reports(world, vendors).statistics, methods=["GET"]),
            Route(f"{PREFIX}/dump", _Reports(world, vendors).dump, methods=["GET"]),
            Route(f"{PREFIX}/requests", _Requests(world).get, methods=["GET"]),
            Route(f"{PREFIX}/requests", _Requests(world).clear, methods=["DELETE"]),
            Route(f"{PREFIX}/faults", _Faults(world).get, methods=["GET"]),
            Route(f"{PREFIX}/faults", _Faults(world).order, methods=["POST"]),
            Route(f"{PREFIX}/faults", _Faults(world).clear, methods=["DELETE"]),
            Route(f"{PREFIX}/{{vendor}}/{{method}}", _Acts(vendors).call, methods=["POST"]),
        ],
        exception_handlers={ControlError: _explain},
    )


async def _explain(_: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, ControlError) else 400
    return JSONResponse({"error": str(error)}, status)


async def _json(request: Request) -> dict[str, Any]:
    if not (await request.body()).strip():
        return {}
    try:
        found = await request.json()
    except ValueError as error:
        raise ControlError("The body is not JSON.") from error
    if not isinstance(found, dict):
        raise ControlError("The body must be a JSON object of arguments.")
    return found


class _Overview:
    def __init__(self, vendors: Mapping[str, Vendor]) -> None:
        self.vendors = vendors

    async def get(self, _: Request) -> Response:
        return JSONResponse({name: self.describe(vendor) for name, vendor in self.vendors.items()})

    @staticmethod
    def describe(vendor: Vendor) -> dict[str, dict[str, str]]:
        methods = {name: control(vendor, name) for name in controls(vendor)}
        return {
            name: {"signature": str(inspect.signature(method)), "does": (inspect.getdoc(method) or "").split("\n\n")[0]}
            for name, method in methods.items()
        }


class _Acts:
    """Calls a vendor's control methods."""

    def __init__(self, vendors: Mapping[str, Vendor]) -> None:
        self.vendors = vendors

    async def call(self, request: Request) -> Response:
        vendor = self.vendors.get(request.path_params["vendor"])
        name = request.path_params["method"]
        if vendor is None or name not in controls(vendor):
            raise ControlError("No such vendor or control method; GET /_sandbox/ lists them.", 404)
        arguments = _decode(await _json(request))
        try:
            positional, named = _split(control(vendor, name), arguments)
            result = validate_call(control(vendor, name))(*positional, **named)
            if inspect.isawaitable(result):
                result = await result
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
            raise ControlError("; ".join(problems)) from error
        except Exception as error:  # each vendor has errors of its own; none may end the sandbox
            raise ControlError(f"{type(error).__name__}: {error}") from error
        return JSONResponse({"result": to_jsonable_python(result, bytes_mode="base64")})


def _split(method: Callable[..., Any], arguments: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Arguments by place and by name: those before a `*list` can only be given by place."""
    parameters = inspect.signature(method).parameters.values()
    many = next((p.name for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL), "")
    if many not in arguments or not isinstance(arguments[many], list):
        return [], arguments
    first = [p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    places = [arguments[name] for name in first if name in arguments]
    return [*places, *arguments[many]], {k: v for k, v in arguments.items() if k not in (*first, many)}


def _decode(arguments: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        if name.endswith("_base64") and isinstance(value, str):
            try:
                found[name.removesuffix("_base64")] = b64decode(value, validate=True)
            except ValueError as error:
                raise ControlError(f"{name}: not base64") from error
        else:
            found[name] = value
    return found


class _Reports:
    def __init__(self, world: World, vendors: Mapping[str, Vendor]) -> None:
        self.world = world
        self.vendors = vendors

    def ask(self, name: str) -> dict[str, Any]:
        asked = {key: control(vendor, name) for key, vendor in self.vendors.items() if name in controls(vendor)}
        return {key: to_jsonable_python(method(), bytes_mode="base64") for key, method in asked.items()}

    async def statistics(self, _: Request) -> Response:
        return JSONResponse(self.ask("statistics") | {"requests": summary(self.world.requests.records)})

    async def dump(self, _: Request) -> Response:
        return JSONResponse(self.ask("dump"))


def summary(records: list[RequestRecord]) -> dict[str, dict[str, dict[str, int]]]:
    """How many requests of each kind and operation each vendor received."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for (vendor, kind, operation), count in sorted(Counter((r.vendor, r.kind, r.operation) for r in records).items()):
        found.setdefault(vendor, {"read": {}, "write": {}})[kind][operation] = count
    return found


class _Requests:
    def __init__(self, world: World) -> None:
        self.log = world.requests

    async def get(self, request: Request) -> Response:
        wanted = {name: request.query_params.get(name, "*") for name in ("vendor", "operation", "kind")}
        found = [r for r in self.log.records if all(fnmatchcase(getattr(r, n), v) for n, v in wanted.items())]
        return JSONResponse({"requests": to_jsonable_python(found), "summary": summary(found)})

    async def clear(self, _: Request) -> Response:
        self.log.clear()
        return JSONResponse({})


class _Faults:
    def __init__(self, world: World) -> None:
        self.faults = world.faults

    async def get(self, _: Request) -> Response:
        return JSONResponse({"faults": to_jsonable_python(self.faults.pending())})

    async def order(self, request: Request) -> Response:
        try:
            fault = _FAULT.validate_python(await _json(request))
        except ValidationError as error:
            raise ControlError("; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())) from error
        self.faults.add(fault)
        return JSONResponse({"ordered": to_jsonable_python(fault)}, 201)

    async def clear(self, _: Request) -> Response:
        self.faults.clear()
        return JSONResponse({})
