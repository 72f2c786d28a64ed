"""Attachments: what Pleo says about the files of an item, under names that are safe anywhere."""

from __future__ import annotations

import hashlib
import uuid

import polars as pl

from etl.frames import ATTACHMENT, ATTACHMENT_WIRE, ITEM_ATTACHED, ITEM_KEY, schema

#: Name space of attachment guids; any fixed one serves.
GUID_SPACE = uuid.UUID("6f1f0b7c-7a0e-5d0e-9a53-4d5b8a4b7c11")
_SPACE = GUID_SPACE.bytes
#: The variant bits of a uuid replace the first two bits of this digit.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
MAX_REFERENCE = 80

#: Extensions by media type: the formats that Pleo takes (export-api.md section 13.5).
EXTENSIONS = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/tiff": "tif",
    "image/heic": "heic",
    "image/webp": "webp",
    "text/plain": "txt",
    "text/csv": "csv",
    "text/xml": "xml",
    "application/xml": "xml",
    "application/zip": "zip",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
OTHER_EXTENSION = "bin"


def name_attachments(files: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Give every file its name, extension and guid.

    Needs: files (item.key, attachment.number, type, bytes, url), items (item.key, item.id,
    item.company_id, item.reconciliation_id).
    Gives: ATTACHMENT_WIRE and ATTACHMENT, in the order of items and numbers. Where items share
    a reconciliation id, the first letters of the item id keep their names apart.
    """
    owners = items.select(ITEM_KEY, "item.id", "item.company_id", "item.reconciliation_id")
    media = pl.col("attachment.type").str.to_lowercase().str.split(";").list.first()
    known = files.join(owners, on=ITEM_KEY, how="left", validate="m:1").with_columns(
        media.str.strip_chars()
        .replace_strict(EXTENSIONS, default=OTHER_EXTENSION, return_dtype=pl.String)
        .fill_null(OTHER_EXTENSION)
        .alias("attachment.extension"),
        _safe(pl.col("item.reconciliation_id").fill_null(pl.col("item.id"))).alias("reference"),
    )
    shared = pl.col("item.id").n_unique().over(pl.col("reference").str.to_lowercase()) > 1
    short_id = pl.when(shared).then(pl.lit("_") + pl.col("item.id").str.slice(0, 8))
    named = _with_guid(known).with_columns(
        pl.format(
            "{}{}_{}.{}",
            "reference",
            short_id.fill_null(""),
            pl.col("attachment.number").cast(pl.String).str.zfill(2),
            "attachment.extension",
        ).alias("attachment.name"),
        *(
            pl.lit(None, column.dtype).alias(column.name)
            for column in ATTACHMENT
            if column.name.endswith(("sha256", "problem", "file_number"))
        ),
    )
    return named.select(list(schema(ATTACHMENT_WIRE, ATTACHMENT))).sort(
        ITEM_KEY, "attachment.number"
    )


def attach(items: pl.DataFrame, attachments: pl.DataFrame) -> pl.DataFrame:
    """Hand each item the names of its attachments, and the first one's name, extension and guid.

    Needs: items (item.key), attachments in upload order.
    Gives: the items with item.attachments (null if there are none) and item.attachment.*.
    """
    given = (
        attachments.sort(ITEM_KEY, "attachment.number")
        .group_by(ITEM_KEY, maintain_order=True)
        .agg(
            pl.col("attachment.name").alias("item.attachments"),
            pl.col("attachment.name").first().alias("item.attachment.name"),
            pl.col("attachment.extension").first().alias("item.attachment.extension"),
            pl.col("attachment.guid").first().alias("item.attachment.guid"),
        )
    )
    columns = [name for name in items.columns if name not in ITEM_ATTACHED]
    joined = items.select(columns).join(
        given, on=ITEM_KEY, how="left", validate="1:1", maintain_order="left"
    )
    assert joined.height == items.height
    return joined


def _safe(text: pl.Expr) -> pl.Expr:
    """Give a text that may stand in a file name: letters, digits, point, dash, underscore."""
    plain = text.str.replace_all(r"[^A-Za-z0-9._\-]+", "-").str.strip_chars(".-_")
    return pl.when(plain != "").then(plain.str.slice(0, MAX_REFERENCE)).otherwise(pl.lit("item"))


def _with_guid(files: pl.DataFrame) -> pl.DataFrame:
    """Add the guid of each file: uuid5 of company, entry and number (RFC 9562 section 5.5)."""
    named = pl.concat_str(
        "item.company_id", "item.id", "attachment.number", separator="/", ignore_nulls=True
    ).str.to_lowercase()
    hashes = [_sha1(_SPACE + name.encode()) for name in files.select(named).to_series()]
    hex_ = pl.Series("hash", hashes, pl.String)
    variant = pl.col("hash").str.slice(16, 1).replace_strict(_VARIANT, return_dtype=pl.String)
    guid = pl.concat_str(
        pl.col("hash").str.slice(0, 8), pl.lit("-"), pl.col("hash").str.slice(8, 4), pl.lit("-5"),
        pl.col("hash").str.slice(13, 3), pl.lit("-"), variant, pl.col("hash").str.slice(17, 3),
        pl.lit("-"), pl.col("hash").str.slice(20, 12),
    )  # fmt: skip
    return files.with_columns(hex_).with_columns(guid.alias("attachment.guid")).drop("hash")


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
