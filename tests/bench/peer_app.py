"""The peer's application; its environment has none of our libraries. Run as a program it makes its tables."""

import asyncio
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import BigInteger, String, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(
    os.environ["PEER_DATABASE"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=20, max_overflow=0
)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """Everything below."""


class Key(Base):
    """A merchant's key."""

    __tablename__ = "peer_keys"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(String(32))


class Idempotency(Base):
    """What was answered under a key."""

    __tablename__ = "peer_idempotency"
    merchant_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    body_digest: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)


class CheckoutSession(Base):
    """A session, with about as many columns as ours."""

    __tablename__ = "peer_sessions"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(String(32), index=True)
    status: Mapped[str] = mapped_column(String(16))
    payment_status: Mapped[str] = mapped_column(String(16))
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    description: Mapped[str | None] = mapped_column(String(500))
    line_items: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    custom_fields: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    customer_details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    details: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    success_url: Mapped[str | None] = mapped_column(String(2048))
    cancel_url: Mapped[str | None] = mapped_column(String(2048))
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)


class NewSession(BaseModel):
    """A session to open."""

    amount: int
    currency: str
    description: str | None = None
    line_items: list[dict[str, Any]] = []
    custom_fields: list[dict[str, Any]] = []
    metadata: dict[str, Any] = {}
    success_url: str | None = None
    cancel_url: str | None = None


class Answer(NewSession):
    """A session on the wire."""

    id: str
    object: str = "checkout.session"
    status: str
    payment_status: str
    created: int
    expires_at: int


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Close what was opened."""
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def ready() -> dict[str, bool]:
    """Whether it answers."""
    return {"ok": True}


@app.post("/sessions", status_code=201)
async def open_session(new: NewSession, authorization: str = Header(), idempotency_key: str = Header()) -> Answer:
    """Look up the key, remember the answer, insert the session: three statements and a commit."""
    async with Session() as database, database.begin():
        merchant_id = await _merchant(database, authorization)
        now = int(time.time())
        row = {"id": f"cs_{secrets.token_hex(14)}", "status": "open", "payment_status": "unpaid"}
        answer = Answer(**row, **new.model_dump(), created=now, expires_at=now + 86_400)
        digest = hashlib.sha256(new.model_dump_json().encode()).hexdigest()
        remembered = {"key": idempotency_key, "body_digest": digest, "answer": answer.model_dump()}
        await database.execute(insert(Idempotency).values(merchant_id=merchant_id, **remembered))
        given = new.model_dump(exclude={"metadata"}) | {"details": new.metadata}
        session = {**row, **given, "merchant_id": merchant_id, "created_at": now, "expires_at": now + 86_400}
        await database.execute(insert(CheckoutSession).values(**session))
        return answer


async def _merchant(database: AsyncSession, authorization: str) -> str:
    digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    found = await database.scalar(select(Key.merchant_id).where(Key.digest == digest))
    if found is None:
        raise HTTPException(401)
    return str(found)


async def prepare() -> None:
    """Make the tables, and the key."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        digest = hashlib.sha256(os.environ["PEER_KEY"].encode()).hexdigest()
        await connection.execute(insert(Key).values(digest=digest, merchant_id="mer_peer"))
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(prepare())
