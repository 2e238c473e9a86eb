/**
 * The upload of a document, with its progress: `form[data-upload]` has one file input and a hidden `progress`. Without
 * this script, the form is sent as any other, and the server gives the same messages.
 */

const ACCEPTED = /\.(pdf|jpe?g|png)$/i;

/** Show the message below the input, in place of the one that is there; an empty message removes it. */
function explain(input, message) {
    const id = `${input.id}_error`;
    document.getElementById(id)?.remove();
    input.classList.toggle("is-invalid", Boolean(message));
    if (!message) {
        input.removeAttribute("aria-invalid");
        input.removeAttribute("aria-describedby");
        return;
    }
    const explanation = document.createElement("div");
    explanation.id = id;
    explanation.className = "invalid-feedback d-block";
    explanation.setAttribute("role", "alert");
    explanation.textContent = message;
    input.after(explanation);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", id);
    input.focus();
}

/** Return what is wrong with the chosen file, or nothing: the server looks at its content. */
function problem({ dataset, files: [file] }) {
    if (file && file.size > Number(dataset.maxBytes)) {
        return dataset.tooLarge.replace("%s", file.name);
    }
    return file && !ACCEPTED.test(file.name) ? dataset.wrongType.replace("%s", file.name) : "";
}

/** Show that the form is being sent, or no longer. */
function setBusy(form, busy) {
    form.querySelector("[type=submit]").disabled = busy;
    form.querySelector("[data-progress]").hidden = !busy;
    form.setAttribute("aria-busy", busy);
}

function send(form) {
    const input = form.querySelector("[type=file]");
    const progress = form.querySelector("progress");
    const begun = performance.now();
    const request = new XMLHttpRequest();
    const fail = () => {
        setBusy(form, false);
        explain(input, input.dataset.failed);
    };
    request.upload.onprogress = ({ loaded, total }) => {
        progress.value = loaded / total;
    };
    request.onerror = fail;
    request.onload = () => {
        if (request.status !== 200 || !request.response?.location) {
            return fail();
        }
        // for addons that measure: the load of a page follows
        const detail = { seconds: (performance.now() - begun) / 1000 };
        form.dispatchEvent(new CustomEvent("influencegen:uploaded", { bubbles: true, detail }));
        // whoever comes back to this page can use it again
        addEventListener("pagehide", () => setBusy(form, false), { once: true });
        location.assign(request.response.location);
    };
    request.open("POST", form.action);
    request.responseType = "json";
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.send(new FormData(form));
    progress.value = 0;
    setBusy(form, true);
}

document.addEventListener("change", ({ target }) => {
    if (target.matches("form[data-upload] [type=file]")) {
        const message = problem(target);
        // the browser does not send the form while there is one
        target.setCustomValidity(message);
        explain(target, message);
    }
});

document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && event.target.matches("form[data-upload]")) {
        event.preventDefault();
        send(event.target);
    }
});
