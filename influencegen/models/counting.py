"""The numbers of stat buttons, counted in the database with the user's access rights."""


def count(records, name, model, inverse):
    """Set the integer field `name` of each of `records` to how many records of `model` refer to it in `inverse`."""
    groups = records.env[model]._read_group([(inverse, "in", records.ids)], [inverse], ["__count"])
    counts = {record.id: number for record, number in groups}
    for record in records:
        record[name] = counts.get(record._origin.id, 0)
