def validate(frame, contract):
    return frame


def ingested_items():
    return None


checked_items = checked_lines = ingested_items
