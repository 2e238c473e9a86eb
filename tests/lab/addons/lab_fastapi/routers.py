"""The application: what it does with SQL, in both kinds of threads, and how it fails."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException

from odoo.addons.fastapi.dependencies import odoo_env

router = APIRouter()


def _send(env, number):
    for _ in range(number):
        env.cr.execute("SELECT pg_sleep(0.001)")


@router.get("/loop/{number}")
async def loop(number: int, env: Annotated[object, Depends(odoo_env)]) -> int:
    """Send ``number`` statements in the thread of the event loop."""
    _send(env, number)
    return number


@router.get("/thread/{number}")
def thread(number: int, env: Annotated[object, Depends(odoo_env)]) -> int:
    """Send them in another thread."""
    _send(env, number)
    return number


@router.get("/fail/{status}")
async def fail(status: int) -> int:
    """Raise an exception that is answered with ``status``; 0 for one that nothing handles."""
    if status:
        raise HTTPException(status, "the lab fails on purpose")
    raise KeyError("the lab fails on purpose")
