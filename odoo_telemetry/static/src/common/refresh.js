/** What shows the present refreshes itself, as long as somebody can see it. */
import { onMounted, onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";

const MILLISECONDS = 60_000;

/** Call `refresh()` now, each minute while the page is visible, and when it becomes visible again. */
export function useRefresh(refresh) {
    let timer;
    const resume = () => {
        browser.clearInterval(timer);
        if (document.visibilityState === "visible") {
            timer = browser.setInterval(refresh, MILLISECONDS);
            refresh();
        }
    };
    onMounted(() => {
        document.addEventListener("visibilitychange", resume);
        resume();
    });
    onWillUnmount(() => {
        document.removeEventListener("visibilitychange", resume);
        browser.clearInterval(timer);
    });
}
