"""How HTTP answers look: errors in one JSON shape, and the headers that keep a browser from being misled."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from antiphon_proto.errors import AntiphonError, ErrorCode

log = logging.getLogger(__name__)

_STATUS = {
    ErrorCode.INVALID: 400,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.DENIED: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.INTERNAL: 500,
    ErrorCode.QUEUE_FULL: 503,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.STORAGE_FULL: 507,
}
_CODES = {status: code for code, status in reversed(_STATUS.items())}

_CONTENT_SECURITY = "; ".join(
    (
        "default-src 'self'",
        # The jam's synthesiser unpacks its sounds with WebAssembly; it allows no eval of scripts.
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_PERMISSIONS = ", ".join(
    [f"{feature}=(self)" for feature in ("autoplay", "clipboard-write", "fullscreen", "midi")]
    + [
        f"{feature}=()"
        for feature in (
            "accelerometer",
            "camera",
            "display-capture",
            "geolocation",
            "gyroscope",
            "hid",
            "magnetometer",
            "microphone",
            "payment",
            "serial",
            "usb",
        )
    ]
)
"""Permissions policy of the page: MIDI and sound, no camera, microphone or location."""
HEADERS = {
    "Server": "antiphon",
    "Content-Security-Policy": _CONTENT_SECURITY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": _PERMISSIONS,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def problem(code: ErrorCode, message: str, status: int | None = None) -> web.Response:
    """`{"error": {"code", "message"}}` with the status that belongs to the code."""
    headers = {"WWW-Authenticate": "Bearer"} if code is ErrorCode.UNAUTHORIZED else None
    return web.json_response(
        {"error": {"code": code, "message": message}},
        status=status or _STATUS.get(code, 500),
        headers=headers,
        dumps=lambda value: json.dumps(value, ensure_ascii=False),
    )


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Convert errors of handlers to answers; no traceback leaves the server."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = _CODES.get(error.status, ErrorCode.INVALID if error.status < 500 else ErrorCode.INTERNAL)
        answer = problem(code, error.reason, error.status)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except AntiphonError as error:
        return problem(error.code, error.message)
    except web.RequestPayloadError as error:
        return problem(ErrorCode.INVALID, f"the body cannot be read: {error}"[:200])
    except RecursionError:
        return problem(ErrorCode.INVALID, "the request is nested too deeply")
    except ConnectionError:
        raise  # the client is gone; there is nobody to answer
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return problem(ErrorCode.INTERNAL, "the server failed; its log says why")


async def secure(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: every answer carries the security headers; a handler may be stricter."""
    policy = response.headers.get("Content-Security-Policy", _CONTENT_SECURITY)
    response.headers.update(HEADERS)
    response.headers["Content-Security-Policy"] = policy
