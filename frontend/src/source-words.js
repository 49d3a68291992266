// What can be completed at a place of a newsletter's source: blocks and their attributes, copy, pictures, links, fields.
import { ask } from "./ask.js";

/**
 * @typedef {{ name: string, type: string, summary: string, values: string[] }} Attribute
 * @typedef {{ blocks: { name: string, summary: string, example: string, attributes: Attribute[] }[],
 *   fields: string[], filters: string[], keys: string[], layouts: Record<string, string>, pictures: string[],
 *   copy: Record<string, string>, links: Record<string, string> }} Words
 * @typedef {import("@codemirror/autocomplete").Completion} Completion
 */

/** A source of completions, by the names that the server knows. @param {() => string} address */
export function wordsAt(address) {
  /** @type {Map<string, Words | Promise<Words | null>>} */
  const known = new Map();
  const load = (/** @type {string} */ asked) => ask(asked).then((answer) => answer.json()).then((words) => (known.set(asked, words), words)).catch(() => known.delete(asked) && null);
  const words = () => {
    const asked = address();
    if (!known.has(asked)) known.set(asked, load(asked));
    return /** @type {Words | Promise<Words | null>} */ (known.get(asked));
  };
  words();
  return (/** @type {import("@codemirror/autocomplete").CompletionContext} */ context) => {
    const loaded = words();
    if (!(loaded instanceof Promise)) return completed(loaded, context);
    // While one that was not asked for waits for its answer, CodeMirror forgets one that is asked for.
    return context.explicit ? loaded.then((found) => found && completed(found, context)) : null;
  };
}

/** @param {Words} words @param {import("@codemirror/autocomplete").CompletionContext} context */
function completed(words, context) {
  const line = context.state.doc.lineAt(context.pos), before = line.text.slice(0, context.pos - line.from);
  const found = options(words, before, inHead(context.state.doc.toString(), line.from));
  if (!found || (!context.explicit && !found.typed)) return null;
  return { from: context.pos - found.typed.length, options: found.options, validFor: /^[\w.-]*$/ };
}

/** @param {string} text @param {number} at */
function inHead(text, at) {
  return /^---\r?\n/.test(text) && !/^---\s*$/m.test(text.slice(4, Math.max(at - 1, 4)));
}

/** @param {Words} words @param {string} before the line up to here @param {boolean} head */
function options(words, before, head) {
  /** @param {RegExp} pattern */
  const match = (pattern) => pattern.exec(before);
  const link = Object.entries(words.links).map(([name, url]) => ({ label: name, detail: url, apply: `{{ toolkit.links.${name} }}` }));
  /** @type {ArrayLike<string> | null} */
  let found;
  if ((found = match(/\{[{%][^{}]*\bmember\.(\w*)$/))) return made(found, words.fields.map(plain));
  if ((found = match(/\{[{%][^{}]*\btoolkit\.links\.([\w-]*)$/))) return made(found, Object.entries(words.links).map(([label, detail]) => ({ label, detail })));
  if ((found = match(/\{\{[^{}]*\|\s*(\w*)$/))) return made(found, words.filters.map(plain));
  if ((found = match(/\{(?:\{|%\s*if)\s*([\w.]*)$/))) return made(found, [...words.fields.map((name) => plain(`member.${name}`)), ...Object.keys(words.links).map((name) => plain(`toolkit.links.${name}`))]);
  if ((found = match(/^:{3,}\s*copy\s+([\w.-]*)$/))) return made(found, Object.entries(words.copy).map(([label, detail]) => ({ label, detail })));
  if ((found = match(/^:{3,}\s*([\w-]*)$/))) return made(found, [...words.blocks.map(({ name, summary, example }) => ({ label: name, detail: summary, info: example })), { label: "copy", detail: "Approved copy of the toolkit." }]);
  const block = words.blocks.find(({ name }) => name === match(/^:{3,}\s*([\w-]+)\s/)?.[1]);
  if (block && (found = match(/\s([\w-]+)="?([\w./-]*)$/))) {
    const attribute = block.attributes.find(({ name }) => name === found?.[1]);
    const pictures = attribute?.type === "image" ? words.pictures.map(plain) : [];
    return made([found[0], found[2]], attribute?.type === "url" ? link : [...pictures, ...(attribute?.values ?? []).map(plain)]);
  }
  if (block && (found = match(/\s([\w-]*)$/))) return made(found, block.attributes.map(({ name, summary }) => ({ label: name, detail: summary, apply: `${name}="` })));
  if ((found = match(/\]\(([\w./-]*)$/))) return made(found, link);
  if (head && (found = match(/^layout:\s*(\w*)$/))) return made(found, Object.entries(words.layouts).map(([label, detail]) => ({ label, detail })));
  if (head && (found = match(/^(\w*)$/))) return made(found, words.keys.map((label) => ({ label, apply: `${label}: ` })));
  return null;
}

/** @param {ArrayLike<string>} found @param {Completion[]} all */
function made(found, all) {
  return { typed: found[1], options: all };
}

/** @param {string} label @returns {Completion} */
function plain(label) {
  return { label };
}
