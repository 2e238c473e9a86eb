import re
from collections import Counter
from io import BytesIO
from pathlib import Path
from unittest import skipIf

import polib

from odoo import release
from odoo.exceptions import ValidationError
from odoo.modules import get_module_path
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools.translate import TranslationFileWriter, TranslationModuleReader

from odoo.addons.influencegen.hooks import post_init_hook
from odoo.addons.odoo_telemetry.tests.browser_case import InBrowser
from odoo.addons.odoo_telemetry.tests.monitoring_case import Monitored

ADDONS = ("influencegen", "odoo_telemetry", "influencegen_telemetry")
LANGUAGES = {"de": "de_DE", "es": "es_ES", "fr": "fr_FR"}
# what must be in a translation as it is in its source: what is filled in, and elements with their attributes
_KEPT = re.compile(r"%\(\w+\)[sd]|%[sd%]|{{.*?}}|<[^>]+>")


def catalogue(addon, name):
    """Return the :class:`polib.POFile` with this name, as it lies in the addon's ``i18n`` folder."""
    return polib.pofile(str(Path(get_module_path(addon)) / "i18n" / name))


def terms(file):
    return {entry.msgid: set(entry.occurrences) for entry in file}


@tagged("post_install", "-at_install")
class TestTranslationFiles(TransactionCase):
    def test_the_templates_are_what_odoo_exports(self):
        for addon in ADDONS:
            exported = BytesIO()
            TranslationFileWriter(exported, lang=None).write_rows(TranslationModuleReader(self.env.cr, [addon]))
            committed, now = terms(catalogue(addon, f"{addon}.pot")), terms(polib.pofile(exported.getvalue().decode()))
            stale = f"{addon}: export the template with Odoo 19.0 again, and translate what is new"
            if release.version_info >= (19,):
                self.assertEqual(committed, now, stale)
            else:
                self.assertLessEqual(now.keys(), committed.keys(), stale)

    def test_each_term_is_translated(self):
        for addon in ADDONS:
            wanted = terms(catalogue(addon, f"{addon}.pot"))
            for language in LANGUAGES:
                file = catalogue(addon, f"{language}.po")
                self.assertEqual(terms(file), wanted, f"{addon}, {language}")
                untranslated = [entry.msgid for entry in file if not entry.msgstr.strip() or entry.fuzzy]
                self.assertFalse(untranslated, f"{addon}, {language}")

    def test_translations_keep_what_is_filled_in_and_the_elements(self):
        for addon in ADDONS:
            for language in LANGUAGES:
                for entry in catalogue(addon, f"{language}.po"):
                    source, translation = (Counter(_KEPT.findall(text)) for text in (entry.msgid, entry.msgstr))
                    self.assertEqual(source, translation, f"{addon}, {language}: {entry.msgstr}")


@tagged("post_install", "-at_install")
class TestTranslatedPages(InBrowser, Monitored, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code in LANGUAGES.values():
            cls.env["res.lang"]._activate_lang(code)
        addons = cls.env["ir.module.module"].search([("name", "in", ADDONS)])
        addons._update_translations(list(LANGUAGES.values()))

    def test_an_anonymous_user_reads_the_registration_in_french(self):
        page = self.url_open("/fr/influencegen/register").text
        self.assertIn('lang="fr-FR"', page)
        for text in ("Devenir influenceur", "Identifiants de réseaux sociaux", "Plateforme 1", ">S'inscrire<"):
            self.assertIn(text, page)
        self.assertNotIn("Become an influencer", page)

    def test_a_refusal_is_in_spanish(self):
        influencers = self.env["influencegen.influencer"].with_context(lang="es_ES")
        with self.assertRaisesRegex(ValidationError, "Se requiere un nombre"):
            influencers._sign_up({}, "portal")

    @skipIf(release.version_info < (19,), "Odoo 18.0 shows the groups without headings")
    def test_the_headings_of_groups_are_translated_though_installed_last(self):
        self.env["res.lang"]._activate_lang("es_419")
        post_init_hook(self.env)
        privilege = self.env.ref("influencegen.privilege_kyc_reviewer").with_context(lang="es_419")
        self.assertEqual(privilege.name, "Verificaciones de identidad")

    def test_an_administrator_reads_the_overview_in_german(self):
        self.env.ref("base.user_admin").lang = "de_DE"
        menu = self.env.ref("odoo_telemetry.menu_overview").with_context(lang="de_DE")
        self.assertEqual(menu.complete_name, "Telemetrie/Übersicht")
        self.browser_js(
            "/odoo/telemetry",
            """
            const shown = ["Letzte Stunde", "Registrierungen", "pro Stunde", "Ziel:"];
            const timer = setInterval(() => {
                const text = document.querySelector(".o_telemetry_overview")?.innerText || "";
                if (shown.every((part) => text.includes(part))) {
                    clearInterval(timer);
                    console.log("test successful");
                }
            }, 100);
            """,
            login="admin",
        )
