import js from "@eslint/js";

export default [
  js.configs.recommended,
  {
    rules: {
      "no-undef": "off", // tsc knows the browser's names
      "no-eval": "error", // the pages' policy allows none of these
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-properties": ["error", { property: "innerHTML", message: "Parse the server's HTML, or use text." }],
      eqeqeq: "error",
    },
  },
];
