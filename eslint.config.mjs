// eslint finds mistakes; how the code looks is left to prettier.
const mistakes = [
    "array-callback-return",
    "eqeqeq",
    "no-const-assign",
    "no-dupe-keys",
    "no-empty",
    "no-eval",
    "no-fallthrough",
    "no-self-assign",
    "no-undef",
    "no-unreachable",
    "no-unsafe-finally",
    "no-unused-vars",
    "no-useless-escape",
    "no-var",
    "prefer-const",
];
const browser = [
    "addEventListener",
    "clearTimeout",
    "console",
    "document",
    "fetch",
    "getComputedStyle",
    "location",
    "navigator",
    "performance",
    "requestAnimationFrame",
    "sessionStorage",
    "setTimeout",
    "URL",
    "URLSearchParams",
];
// of Odoo's bundles, of the preview's bundler, and of node
const others = ["Chart", "luxon", "require", "process"];

export default [
    { ignores: ["**/static/lib/**", ".run/**"] },
    {
        rules: Object.fromEntries(mistakes.map((rule) => [rule, "error"])),
        languageOptions: { globals: Object.fromEntries([...browser, ...others].map((name) => [name, "readonly"])) },
    },
];
