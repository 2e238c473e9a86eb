import { registry } from "@web/core/registry";
import { patch } from "@web/core/utils/patch";
import { Model } from "@web/model/model";
import { SearchModel } from "@web/search/search_model";
import { session } from "@web/session";
import { FormController } from "@web/views/form/form_controller";
import { measured, record, safely } from "./recorder";

/** The web client: each action or view that is opened is a page load, and some of what users do is timed by name.
 *
 * All is timed from the user's last click or key until the browser has drawn what came of it.
 */

/** The names of buttons, by "model/method"; addons add theirs, and declare the names on the server. */
export const buttons = {};

/** Since 19.0 a view may be shown before its data; its model then signals once that it has them. */
const modelsSignal = session.server_version_info?.[0] > 18;
const loaded = new WeakSet();

let input;
let navigation;
let search;
let pressed;
let shown;

/** Record the time since `begun` when what was just changed is on the screen. */
function recordDrawn(kind, name, begun) {
    requestAnimationFrame(() =>
        setTimeout(safely(() => record(kind, name, (performance.now() - begun) / 1000, begun))),
    );
}

function interaction(name, begun) {
    recordDrawn("interaction", name, begun);
}

function lastInput() {
    return input ?? performance.now();
}

/** Return an action's external id, or its model, and the view that shows it. */
function actionName({ action, view }) {
    const name = action.xml_id || action.res_model || "";
    return view ? `${name}/${view.type}` : name;
}

function opened(begun, controller) {
    const before = shown;
    const type = controller.view?.type;
    shown = { action: controller.action.jsId, type };
    if (begun === undefined || !before) {
        // opened by no one, or with the page itself
        return;
    }
    recordDrawn("action", actionName(controller), begun);
    if (type === "form") {
        interaction("open_form", begun);
    } else if (before.action === shown.action && before.type !== type && before.type !== "form") {
        interaction("switch_view", begun);
    }
}

function settle() {
    if (navigation?.controller && (navigation.ready || !modelsSignal || !navigation.controller.view)) {
        opened(navigation.begun, navigation.controller);
        navigation = undefined;
    }
}

const ready = safely((model) => {
    if (!loaded.has(model)) {
        loaded.add(model);
        if (navigation) {
            navigation.ready = true;
            settle();
        }
    }
    if (search !== undefined) {
        interaction("search", search);
        search = undefined;
    }
});

function watch() {
    for (const type of ["click", "keydown", "popstate"]) {
        addEventListener(type, (event) => (input = event.timeStamp), true);
    }

    patch(Model.prototype, {
        notify() {
            super.notify(...arguments);
            ready(this);
        },
    });

    patch(SearchModel.prototype, {
        _notify() {
            if (!this.blockNotification) {
                search = lastInput();
            }
            return super._notify(...arguments);
        },
    });

    patch(FormController.prototype, {
        async save() {
            const begun = lastInput();
            const saved = await super.save(...arguments);
            if (saved) {
                interaction("save", begun);
            }
            return saved;
        },
        beforeExecuteActionButton() {
            pressed = lastInput();
            return super.beforeExecuteActionButton(...arguments);
        },
        async afterExecuteActionButton(button) {
            await super.afterExecuteActionButton(...arguments);
            interaction(buttons[`${this.props.resModel}/${button.name}`] ?? "press_button", pressed);
        },
    });

    registry.category("services").add("odoo_telemetry.browser", {
        dependencies: ["action"],
        start({ bus }, { action }) {
            bus.addEventListener("CLEAR-UNCOMMITTED-CHANGES", () => (navigation = { begun: input }));
            bus.addEventListener(
                "ACTION_MANAGER:UI-UPDATED",
                safely(({ detail: mode }) => {
                    const begun = input;
                    input = undefined;
                    if (mode === "new") {
                        return;
                    }
                    navigation ??= {};
                    // the router may handle a popstate first
                    navigation.begun ??= begun;
                    navigation.controller = action.currentController;
                    settle();
                }),
            );
        },
    });
}

if (measured) {
    watch();
}
