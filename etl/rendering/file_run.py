"""One file of a template for one batch: its parts, their names, bytes and totals."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from etl.errors import Problem
from etl.frames import FILE_KEY, ITEM_KEY, KEY, VOUCHER_KEY
from etl.rendering.choosing import texts, truth, with_voucher_rows
from etl.rendering.contents import Contents, write_layout, write_table
from etl.rendering.contexts import Context
from etl.rendering.document import Split
from etl.rendering.escapes import writing_of
from etl.rendering.faults import Findings
from etl.rendering.lists import Labels, Lists
from etl.rendering.material import FILE_ROW, VOUCHER_ROW, Material
from etl.rendering.outcome import RenderedFile
from etl.rendering.packing import read_members, zip_members
from etl.rendering.parts import file_facts, split_vouchers, sums_of, too_large, totals_of
from etl.rendering.plans import FilePlan, Plan
from etl.rendering.receipts import Contents as ReceiptContents
from etl.rendering.receipts import receipt_bytes
from etl.rendering.sheets import Sheets
from etl.rendering.spreadsheets import write_workbooks

#: How often a file that became too large is split anew before we give up.
MAX_ATTEMPTS = 20


@dataclass
class FileRun:
    """Renders one file of the template, in as many parts as it needs."""

    plan: Plan
    file: FilePlan
    batch: Material
    findings: Findings
    labels: Labels
    receipts: ReceiptContents
    sheets: Sheets | None = None

    def files(self, vouchers: pl.DataFrame) -> list[RenderedFile]:
        """Render the file for some vouchers; nothing where there is nothing to say."""
        spec, split = self.file.spec, self.file.spec.split
        packs_receipts = spec.pack is not None and spec.pack.with_ == "attachments"
        if packs_receipts:
            vouchers = vouchers.join(
                self.batch.attachments.select(VOUCHER_KEY).unique(),
                on=VOUCHER_KEY, how="semi", maintain_order="left",
            )  # fmt: skip
        if vouchers.is_empty():
            return []
        sizes = self._sizes(packs_receipts=packs_receipts)
        self._refuse_too_large(vouchers, split, sizes=sizes)
        for _attempt in range(MAX_ATTEMPTS):
            material, sums = self._material(split_vouchers(vouchers, split, sizes=sizes))
            found = len(self.findings.rejections), len(self.findings.notes)
            contents = self._contents(material)
            if packs_receipts or not self._too_large_parts(contents):
                break
            del self.findings.rejections[found[0] :], self.findings.notes[found[1] :]
            if self._refuse_alone(material, contents):
                break
            sizes = self._measured(sizes, material, contents=contents)
        else:
            self._give_up()
        self._check_files(material)
        return self._parts(material, contents, totals=totals_of(sums))

    def _sizes(self, *, packs_receipts: bool) -> pl.DataFrame:
        """Count the rows of every voucher, and the bytes of the receipts that go with it."""
        rows = pl.DataFrame(schema={VOUCHER_KEY: KEY, "rows": pl.Int64})
        if self._counts_rows():
            count = pl.len().cast(pl.Int64).alias("rows")
            rows = self.batch.postings.group_by(VOUCHER_KEY).agg(count)
        if not packs_receipts:
            return rows.with_columns(pl.lit(0, pl.Int64).alias("bytes"))
        return rows.join(
            receipt_bytes(self.batch.attachments),
            on=VOUCHER_KEY, how="full", coalesce=True, validate="1:1",
        )  # fmt: skip

    def _counts_rows(self) -> bool:
        """Say whether the rows of single vouchers can matter for splitting."""
        most = self.file.spec.split.max
        too_many = most.rows is not None and self.batch.postings.height > most.rows
        return too_many or most.bytes is not None

    def _too_large_parts(self, contents: Contents) -> bool:
        limit = self.file.spec.split.max.bytes
        return limit is not None and any(len(part) > limit for part in contents.parts)

    def _refuse_alone(self, material: Material, contents: Contents) -> bool:
        """Reject the vouchers that are too large in a file of their own."""
        limit = self.file.spec.split.max.bytes
        lengths = pl.Series([len(part) for part in contents.parts], dtype=pl.Int64)
        large = (
            material.files.select(FILE_KEY, "file.vouchers")
            .with_columns(lengths.alias("length"))
            .filter((pl.col("length") > limit) & (pl.col("file.vouchers") == 1))
        )
        self.findings.reject(
            material.vouchers.join(large, on=FILE_KEY, how="inner", validate="m:1"),
            "CELL-18",
            message=pl.format(
                f"the voucher alone makes a file of {{}} bytes, and {limit} are allowed", "length"
            ),
            fix="split the expense in Pleo",
            where=self.file.name.where,
        )
        return large.height > 0

    def _measured(
        self, sizes: pl.DataFrame, material: Material, *, contents: Contents
    ) -> pl.DataFrame:
        """Share the bytes of each part among its vouchers, by their rows, rounded up.

        What stands once per file counts too, so that every attempt makes smaller parts.
        """
        lengths = pl.DataFrame(
            {FILE_KEY: range(len(contents.parts)), "length": [len(p) for p in contents.parts]},
            schema={FILE_KEY: pl.UInt32, "length": pl.Int64},
        )
        shares = (
            material.vouchers.select(VOUCHER_KEY, FILE_KEY)
            .join(sizes, on=VOUCHER_KEY, how="left", validate="1:1")
            .join(lengths, on=FILE_KEY, how="left", validate="m:1")
        )
        rows = pl.col("rows").fill_null(1)
        share = (pl.col("length") * rows) // rows.sum().over(FILE_KEY) + 1
        return shares.select(
            VOUCHER_KEY, "rows", pl.max_horizontal(share, pl.col("bytes") + 1).alias("bytes")
        )

    def _material(self, vouchers: pl.DataFrame) -> tuple[Material, pl.DataFrame]:
        """Put together what the records of the file read, and sum its postings."""
        placed = vouchers.with_columns(
            pl.col(FILE_KEY).alias(FILE_ROW),
            pl.int_range(1, pl.len() + 1).over(FILE_KEY).cast(pl.Int64).alias("voucher.index"),
        )
        postings = self.batch.postings
        if placed[VOUCHER_KEY].equals(self.batch.vouchers[VOUCHER_KEY]):
            postings = postings.with_columns(placed[FILE_KEY].gather(postings[VOUCHER_ROW]))
        else:
            postings = with_voucher_rows(postings, placed)
        sums = sums_of(postings)
        material = Material(
            files=file_facts(placed, sums),
            items=self.batch.items,
            lines=self.batch.lines,
            vouchers=placed,
            postings=postings,
            attachments=_attachments_of(placed, self.batch.attachments),
            lists=Lists(placed, postings, self.batch.items, self.labels),
            lets=self.plan.lets,
        )
        return material, sums

    def _contents(self, material: Material) -> Contents:
        writing = writing_of(self.file.spec, self.file.encoding)
        records = list(self.file.records.values())
        sheets = Sheets(material, writing, self.findings, records)
        sheets.prepare()
        self.sheets = sheets
        files = material.files.height
        if self.file.spec.kind == "xlsx":
            return write_workbooks(self.file, sheets, files=files)
        if self.file.layout is not None:
            return write_layout(self.file, sheets)
        return write_table(self.file, sheets, files=files)

    def _parts(
        self, material: Material, contents: Contents, *, totals: pl.DataFrame
    ) -> list[RenderedFile]:
        names = texts(material, Context.FILE, value=self.file.name)
        zips = (
            texts(material, Context.FILE, value=self.file.zip_name) if self.file.zip_name else None
        )
        lines = contents.lines.partition_by(FILE_KEY, as_dict=True, include_key=False)
        files = []
        for number, content in enumerate(contents.parts):
            printed = lines.get((number,), contents.lines.clear().drop(FILE_KEY))
            name = names[number] or ""
            members: tuple[tuple[str, bytes], ...] = ()
            if self.file.spec.kind == "xlsx":
                members = read_members(content)
            if zips is not None:
                members = ((name, content), *self._receipts_of(material, number))
                name, content = zips[number] or "", zip_members(members)
            files.append(
                RenderedFile(
                    name=name,
                    content=content,
                    file=self.file.key,
                    number=number + 1,
                    kind=self.file.spec.kind,
                    companion=self.file.spec.companion,
                    rows=printed.height,
                    lines=printed,
                    totals=totals.filter((pl.col(FILE_KEY) == number) & (printed.height > 0)).drop(
                        FILE_KEY
                    ),
                    members=members,
                    packed=zips is not None,
                )
            )
        return files

    def _receipts_of(self, material: Material, number: int) -> list[tuple[str, bytes]]:
        """Give the receipts of a part that are packed with it."""
        pack = self.file.spec.pack
        if pack is None or pack.with_ != "attachments":
            return []
        rows = material.attachments.filter(pl.col(FILE_KEY) == number)
        return [
            (name, self.receipts[(key, place)])
            for key, place, name in rows.select(
                ITEM_KEY, "attachment.number", "attachment.name"
            ).iter_rows()
            if (key, place) in self.receipts
        ]

    def _check_files(self, material: Material) -> None:
        for check in self.plan.checks:
            if check.check.for_ != "file":
                continue
            broken = ~truth(material, Context.FILE, value=check.that)
            said = texts(material, Context.FILE, value=check.message).filter(broken)
            self.findings.problems.extend(
                Problem(check.check.code, text or "", check.that.where, check.check.fix)
                for text in said
            )

    def _refuse_too_large(
        self, vouchers: pl.DataFrame, split: Split, *, sizes: pl.DataFrame
    ) -> None:
        self.findings.reject(
            too_large(vouchers, split, sizes=sizes),
            "CELL-18",
            message=pl.format("the voucher alone has {}", pl.col("much")),
            fix="split the expense in Pleo",
            where=self.file.name.where,
        )

    def _give_up(self) -> None:
        limit = self.file.spec.split.max.bytes
        self.findings.problems.append(
            Problem(
                "FILE-5",
                f"the file cannot be split into parts of at most {limit} bytes",
                self.file.name.where,
                "allow more bytes, or split the largest expenses in Pleo",
            )
        )


def _attachments_of(vouchers: pl.DataFrame, attachments: pl.DataFrame) -> pl.DataFrame:
    """Give every attachment to the first voucher of its item in the file."""
    first = (
        vouchers.select(ITEM_KEY, VOUCHER_KEY, FILE_KEY)
        .with_row_index(VOUCHER_ROW)
        .unique(ITEM_KEY, keep="first", maintain_order=True)
    )
    return (
        attachments.drop(VOUCHER_KEY, VOUCHER_ROW, strict=False)
        .join(first, on=ITEM_KEY, how="inner", validate="m:1", maintain_order="left")
        .sort(VOUCHER_ROW, "attachment.number", maintain_order=True)
    )
