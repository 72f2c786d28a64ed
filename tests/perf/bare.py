"""The yardstick: json.loads and csv.writer, one row per line, no check, no mapping, no proof."""

from __future__ import annotations

import csv
import json
import sys


def main(source: str, target: str) -> None:
    """Turn NDJSON items into a CSV of their lines."""
    with open(source, encoding="utf-8") as items, open(target, "w", newline="") as out:
        writer = csv.writer(out, delimiter=";")
        for text in items:
            item = json.loads(text)
            for line in item["accountingEntryLines"]:
                tax = line["tax"] or {}
                contra = item["contraAccount"]
                writer.writerow(
                    [
                        item["date"][:10],
                        item["additionalInformation"]["reconciliationId"],
                        line["account"]["code"],
                        contra["code"],
                        line["lineAmount"]["inWalletCurrency"]["value"] / 100,
                        line["lineAmount"]["inWalletCurrency"]["currency"],
                        tax.get("code", ""),
                        item["supplier"]["name"],
                        item["user"]["name"],
                        item["note"],
                        *(tag["code"] for tag in line["tags"]),
                    ]
                )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
