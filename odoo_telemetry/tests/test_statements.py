from psycopg2.sql import SQL as Composed

from odoo.tests import BaseCase
from odoo.tools import SQL

from ..odoo_hooks.statements import describe

SECRET = "Ada 4111"


class TestStatements(BaseCase):
    def test_operation_and_table(self):
        for text, name in {
            'SELECT "res_partner"."id" FROM "res_partner" WHERE TRUE': "SELECT res_partner",
            "select id from res_users limit 1": "SELECT res_users",
            'INSERT INTO "res_partner" ("name") VALUES (%s) RETURNING "id"': "INSERT res_partner",
            'UPDATE "res_partner" SET "name" = "__tmp"."name" FROM (VALUES %s) AS "__tmp"': "UPDATE res_partner",
            "DELETE FROM ir_attachment WHERE id IN %s": "DELETE ir_attachment",
            "(SELECT id FROM ONLY mail_mail)": "SELECT mail_mail",
            "SELECT EXTRACT(EPOCH FROM now())": "SELECT",
            "WITH x AS (SELECT 1 FROM account_move) SELECT * FROM x": "WITH account_move",
            'SAVEPOINT "3f2b"': "SAVEPOINT",
            "": "SQL",
        }.items():
            self.assertEqual(describe(text).name, name)

    def test_no_value_is_shown(self):
        for text in (
            f"SELECT '{SECRET}' FROM a",
            f"SELECT 'it''s {SECRET}', 'a\\', '{SECRET}' FROM a",
            f"SELECT E'a\\'{SECRET}' FROM a",
            f"SELECT $${SECRET}$$, $x$ {SECRET} $x$ FROM a",
            f"SELECT 1 FROM a -- {SECRET}",
            f"SELECT /* {SECRET} */ 1 FROM a",
            f"SELECT 1 FROM a WHERE b = '{SECRET}",
            "SELECT 1 FROM a WHERE card = 4111 AND x > -4111.5e+3 LIMIT 4111",
            f"INSERT INTO a (b) VALUES ('{SECRET}'), ('{SECRET}')".encode(),
            "SELECT 1 FROM a WHERE b = '" + SECRET * 5000,
        ):
            shown = describe(text).attributes["db.query.text"]
            for part in ("Ada", "4111"):
                self.assertNotIn(part, shown, text[:80])

    def test_names_stay_and_lists_are_one(self):
        self.assertEqual(
            describe('SELECT "x2"."street2", t1.id FROM "x2" WHERE "id" IN (1, 2, 3) AND y = %s').attributes,
            {
                "db.operation.name": "SELECT",
                "db.collection.name": "x2",
                "db.query.text": 'SELECT "x2"."street2", t1.id FROM "x2" WHERE "id" IN (?) AND y = ?',
            },
        )
        texts = {
            describe(f"INSERT INTO a (b) VALUES {rows}").attributes["db.query.text"] for rows in ("(%s)", "(1), (2)")
        }
        self.assertEqual(texts, {"INSERT INTO a (b) VALUES (?)"})

    def test_it_is_short(self):
        self.assertEqual(len(describe("SELECT " + "a, " * 50_000).attributes["db.query.text"]), 1000)

    def test_other_kinds_of_statements(self):
        self.assertEqual(describe(SQL("SELECT %s FROM a", SECRET)).attributes["db.query.text"], "SELECT ? FROM a")
        self.assertEqual(describe(Composed("SELECT 1")).name, "SQL")
