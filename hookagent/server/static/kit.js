// What every part of the page uses: rendering, asking the agent, and how things are written.
import { h, render } from './vendor/preact.js';
import { useState, useEffect } from './vendor/hooks.js';
import htm from './vendor/htm.js';

export { render };
export { useState, useEffect, useLayoutEffect, useMemo, useRef } from './vendor/hooks.js';

const STEERING = /(?!\r?\n|\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** What turns a text's direction, hides in it or moves a cursor, written out: a sender's words may lie to the eye. */
const visible = (text) => text.replace(STEERING, (character) => {
  const code = character.codePointAt(0).toString(16);
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
});

/** Every text of the page passes here, so none can be forgotten. */
export const html = htm.bind((type, fields, ...children) =>
  h(type, fields, ...children.map((child) => (typeof child === 'string' ? visible(child) : child))));

/** Ask the agent; throws an Error whose message and hint are for a person. */
export async function ask(path, value) {
  const options = value === undefined ? {} : {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Hookagent': '1' },
    body: JSON.stringify(value),
  };
  let answer;
  try {
    answer = await fetch('/api/' + path, options);
  } catch {
    throw new Error('The agent does not answer.');
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const error = new Error(said.message || `The agent answered ${answer.status}.`);
  Object.assign(error, { hint: said.hint, problems: said.problems, status: answer.status });
  throw error;
}

/** Ask once for each path; empty until it is there. */
export function useAsked(path) {
  const [found, setFound] = useState({});
  useEffect(() => {
    let isWanted = true;
    if (path) ask(path).then((value) => isWanted && setFound({ path, value }), (error) => isWanted && setFound({ path, error }));
    return () => { isWanted = false; };
  }, [path]);
  return found.path === path ? found : {};
}

/** A query string of what is not empty. */
export const query = (fields) =>
  new URLSearchParams(Object.entries(fields).filter(([, value]) => value)).toString();

const pad = (number, digits = 2) => String(number).padStart(digits, '0');

/** A moment as a clock shows it: the time today, the date as well before. */
export function clock(moment) {
  const at = new Date(moment);
  if (Number.isNaN(at.getTime())) return '';
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return at.toDateString() === new Date().toDateString()
    ? `${time}.${pad(at.getMilliseconds(), 3)}`
    : `${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`;
}

export function duration(ms) {
  const units = [[1000, 1, 'ms'], [6e4, 1000, 's'], [36e5, 6e4, 'min'], [864e5, 36e5, 'h']];
  const [, by, name] = units.find(([below]) => Math.abs(ms) < below) || [0, 864e5, 'd'];
  const number = ms / by;
  return `${Math.abs(number) < 10 && by > 1 ? Math.round(number * 10) / 10 : Math.round(number)} ${name}`;
}

export const ago = (moment) => `${duration(Math.max(Date.now() - new Date(moment), 0))} ago`;

/** `1 event`, `2 events`. */
export const many = (count, name) => `${count.toLocaleString()} ${name}${count === 1 ? '' : 's'}`;

export const bytes = (size) =>
  size < 1024 ? `${size} B` : size < 1048576 ? `${(size / 1024).toFixed(1)} KB` : `${(size / 1048576).toFixed(1)} MB`;

/** A path as the rules write it (hookagent/lookup.py, `format_path`). */
export const pathText = (path) => path.reduce((text, step) => {
  if (typeof step === 'number') return `${text}[${step}]`;
  if (!step || /[.[\]'" ]/.test(step)) {
    const quote = step.includes("'") ? '"' : "'";
    return `${text}[${quote}${step}${quote}]`;
  }
  return text ? `${text}.${step}` : step;
}, '');

/** A number that JavaScript would write otherwise: too many digits, `1.0`, `1e3`. */
export class Digits {
  constructor(text) { this.text = text; }

  toJSON() { return JSON.rawJSON(this.text); }
}

/** Read JSON without losing digits; undefined where it is not JSON. */
export function readJson(text) {
  try {
    return JSON.parse(text, (_key, value, context) =>
      typeof value === 'number' && context && String(value) !== context.source ? new Digits(context.source) : value);
  } catch {
    return undefined;
  }
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export const store = {
  get: (name, usual) => { try { return localStorage.getItem(name) ?? usual; } catch { return usual; } },
  set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* private mode */ } },
};

/** Copies a text and says whether it could. */
export function CopyButton({ text, label, main }) {
  const [said, setSaid] = useState('');
  useEffect(() => setSaid(''), [text]);
  const act = async () => setSaid(await copy(text) ? '✓ Copied' : 'Not allowed here');
  return html`<button type="button" class=${main ? 'main' : ''} aria-label=${label && !said ? label : undefined} onClick=${act}>${said || 'Copy'}</button><span class="hidden" role="status">${said}</span>`;
}

/** A button for what many runs feel: pressed once it asks, pressed again it does. */
export function SureButton({ children, question, act }) {
  const [isAsking, setAsking] = useState(false);
  return html`<button class=${isAsking ? 'sure' : ''} onBlur=${() => setAsking(false)} onClick=${() => { setAsking(!isAsking); if (isAsking) act(); }}>${isAsking ? question : children}</button>`;
}

/** What went wrong, for a person. */
export const Trouble = ({ error }) => error && html`<div class="trouble" role="alert">
  <b>${error.message}</b>${error.hint && html`<div>${error.hint}</div>`}
  ${error.problems && html`<ul>${error.problems.map((one) => html`<li>
    ${one.line ? `line ${one.line}: ` : ''}${one.message}${one.hint ? ` (${one.hint})` : ''}</li>`)}</ul>`}
</div>`;

/** One of several: names, or pairs of a value and what it is called. */
export const Choice = ({ label, isBare, value, options, set }) => {
  const choice = html`<select aria-label=${isBare ? label : undefined} value=${value || ''} onChange=${(e) => set(e.target.value)}>${options.map((one) => (Array.isArray(one) ? one : [one, one])).map(([name, text]) =>
    html`<option value=${name} selected=${name === (value || '')}>${text}</option>`)}</select>`;
  return isBare ? choice : html`<label>${label}${choice}</label>`;
};

/** Buttons of which one is pressed. */
export const Toggles = ({ label, names, chosen, set, children }) => html`<div class="bar" role="group" aria-label=${label}>${names.map((name) =>
  html`<button aria-pressed=${chosen === name} onClick=${() => set(name)}>${name}</button>`)}${children}</div>`;

export const Area = ({ label, rows, value, set }) => html`<label>${label}<textarea class="mono" rows=${rows} spellcheck="false" value=${value} onInput=${(e) => set(e.target.value)}></textarea></label>`;

export const Check = ({ label, value, set }) => html`<label class="check"><input type="checkbox" checked=${value} onChange=${(e) => set(e.target.checked)} /> ${label}</label>`;

/** What a request was, as short as it can be said. */
export const Facts = ({ of }) => html`<p class="facts dim mono"><span>${of.id}</span>
  <time title=${of.received_at}>${clock(of.received_at)}, ${ago(of.received_at)}</time><span>${of.method} ${of.url}</span>${of.client_ip && html`<span>from ${of.client_ip}</span>`}</p>`;

export const Headers = ({ list }) => html`<table class="headers"><tbody>${list.map(([name, value]) =>
  html`<tr><th scope="row">${name}</th><td class="mono wrap">${value}</td></tr>`)}</tbody></table>`;

const STATES = { done: '✓', dead: '✗', waiting: '◷', running: '▸', pending: '·', discarded: '⊘' };
export const State = ({ name, count }) => html`<span class=${`state ${name}`}>
  <span aria-hidden="true">${STATES[name] || ''}</span> ${count > 1 ? `${count} ` : ''}${name}</span>`;

/** A dialog that traps and returns the focus, as the element does. */
const modal = (element) => { if (element && !element.open) element.showModal(); };

export const Dialog = ({ title, close, wide, children }) => html`
  <dialog ref=${modal} class=${wide ? 'wide' : ''} aria-labelledby="dialog-title" onClose=${close}>
    <header><h2 id="dialog-title">${title}</h2>
      <button class="icon" aria-label="Close" onClick=${(e) => e.target.closest('dialog').close()}>✕</button></header>
    <div class="inside">${children}</div>
  </dialog>`;
