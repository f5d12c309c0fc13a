// A body as a folded tree, as it came, in hex, or as a form.
import { html, useState, useMemo, CopyButton, Digits, Headers, pathText, readJson, Toggles } from './kit.js';

const SHOWN = 100; // members shown at once
const HEX_ROWS = 256;
const OPEN_DEPTH = 2;

function bodyBytes(event) {
  if (event.body_b64 === undefined) return new TextEncoder().encode(event.body ?? '');
  return Uint8Array.from(atob(event.body_b64), (character) => character.charCodeAt(0));
}

const kind = (value) => (value === null ? 'null' : value instanceof Digits ? 'number' : typeof value);
const leaf = (value) => (value instanceof Digits ? value.text : JSON.stringify(value));
const isLeaf = (value) => value === null || typeof value !== 'object' || value instanceof Digits;

function Branch({ name, value, path, pick }) {
  const [isOpen, setOpen] = useState(path.length < OPEN_DEPTH);
  const [most, setMost] = useState(SHOWN);
  const label = name === undefined ? '' : html`<span class="key">${name}</span>: `;
  if (isLeaf(value)) {
    const text = leaf(value);
    const chosen = pick?.chosen.has(pathText(path));
    return html`<li role="treeitem" aria-selected=${chosen ? 'true' : undefined}>${pick && path.length > 0
      ? html`<label><input type="checkbox" checked=${chosen} onChange=${() => pick.toggle(pathText(path))} /> ${label}<span class=${kind(value)}>${text}</span></label>`
      : html`${label}<span class=${kind(value)}>${text}</span>`}</li>`;
  }
  const isList = Array.isArray(value);
  const entries = isList ? value.map((one, place) => [place, one]) : Object.entries(value);
  const brief = `${isList ? '[' : '{'}${entries.length || ''}${isList ? ']' : '}'}`;
  return html`<li role="treeitem" aria-expanded=${isOpen}>
    <button class="fold" onClick=${() => setOpen(!isOpen)}><span aria-hidden="true">${isOpen ? '▾' : '▸'}</span> ${label}<span class="dim">${brief}</span></button>
    ${isOpen && entries.length > 0 && html`<ul role="group">
      ${entries.slice(0, most).map(([key, one]) => html`<${Branch} key=${key} name=${key} value=${one} path=${[...path, key]} pick=${pick} />`)}
      ${entries.length > most && html`<li role="none"><button class="link" onClick=${() => setMost(most * 10)}>${entries.length - most} more</button></li>`}
    </ul>`}</li>`;
}

export const Tree = ({ value, pick }) => html`<ul class="tree mono" role="tree" aria-label="Body"><${Branch} value=${value} path=${[]} pick=${pick} /></ul>`;

function Raw({ event, data }) {
  const offset = event.body_info?.error?.offset;
  const read = (part) => new TextDecoder().decode(part);
  const text = read(data);
  if (offset == null) return html`<pre class="raw">${text}</pre>`;
  const before = read(data.slice(0, offset));
  const [wrong] = text.slice(before.length);
  return html`<pre class="raw">${before}<mark>${wrong === undefined ? 'it ends here' : wrong === '\n' ? '⏎\n' : wrong}</mark>${text.slice(before.length + (wrong || '').length)}</pre>`;
}

function Hex({ data }) {
  const [most, setMost] = useState(HEX_ROWS);
  const lines = [];
  for (let at = 0; at < Math.min(data.length, most * 16); at += 16) {
    const row = [...data.slice(at, at + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ').padEnd(48);
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex} ${row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.')).join('')}`);
  }
  return html`<pre class="raw">${lines.join('\n')}</pre>
    ${data.length > most * 16 && html`<button onClick=${() => setMost(most * 8)}>Show more</button>`}`;
}

export function Body({ event }) {
  const data = useMemo(() => bodyBytes(event), [event.id]);
  const value = useMemo(() => (event.body === undefined ? undefined : readJson(event.body)), [event.id]);
  const isForm = (event.body_info?.media || '').startsWith('application/x-www-form');
  const [chosen, setView] = useState('');
  const view = chosen || (isForm ? 'form' : value !== undefined ? 'tree' : event.body_b64 === undefined ? 'raw' : 'hex');
  const error = event.body_info?.error;
  const views = [...(value !== undefined ? ['tree'] : []), ...(isForm ? ['form'] : []), 'raw', 'hex'];
  return html`
    <${Toggles} label="Body view" names=${views} chosen=${view} set=${setView}>
      <${CopyButton} text=${event.body ?? event.body_b64 ?? ''} label="Copy the body" />
      ${html`<a class="button" href=${`/api/events/${event.id}/body`} download>download</a>`}<//>
    ${error && data.length > 0 && html`<p class="warn">✗ ${error.reason}${error.line ? `, line ${error.line}, column ${error.column}` : ''}</p>`}
    ${!data.length ? html`<p class="dim">The body is empty.</p>`
      : view === 'tree' ? html`<${Tree} value=${value} />`
        : view === 'form' ? html`<${Headers} list=${[...new URLSearchParams(event.body)]} />`
          : view === 'hex' ? html`<${Hex} data=${data} />` : html`<${Raw} event=${event} data=${data} />`}`;
}
