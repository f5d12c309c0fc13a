// Refused deliveries: the latest that pass the filter, and why one was not taken.
import { html, useState, useEffect, ask, clock, query, Trouble } from './kit.js';
import { Verdict, useAsked } from './event.js';
import { Body } from './body.js';

const REFRESH_MS = 3000;

/** The list; they are few, so that it needs no window. */
export function Refusals({ filter, id, open, isPaused, control }) {
  const [{ rejected, error }, setFound] = useState({});
  const wanted = query({ ...filter, limit: 500 });
  useEffect(() => {
    let isWanted = true;
    const load = () => !document.hidden && ask(`rejected?${wanted}`).then((found) => isWanted && setFound(found), (failed) => isWanted && setFound({ error: failed }));
    load();
    const timer = isPaused ? 0 : setInterval(load, REFRESH_MS);
    return () => { isWanted = false; clearInterval(timer); };
  }, [wanted, isPaused]);
  const list = rejected || [];
  const here = list.findIndex((one) => one.id === id);
  const go = (place) => {
    const one = list[Math.min(Math.max(place, 0), list.length - 1)];
    if (!one) return;
    open(one.id);
    document.getElementById(one.id)?.scrollIntoView({ block: 'nearest' });
  };
  control.current = {
    move: (by) => go(here < 0 ? 0 : here + by), page: (by) => go(here + by * 20),
    first: () => go(0), last: () => go(Infinity), focus: () => document.querySelector('.on a, .click a')?.focus(),
  };
  return html`<div class="list"><${Trouble} error=${error} />
    <div class="scroll"><table class="click"><thead><tr><th>Time</th><th>Status</th><th>Source</th><th>Why</th></tr></thead><tbody>${list.map((one) => html`<tr key=${one.id} id=${one.id} class=${one.id === id ? 'on' : ''}>
      <td><a href=${`#/events?${query({ ...filter, id: one.id })}`}>${clock(one.received_at)}</a></td><td class="bad">${one.status}</td><td>${one.source || '–'}</td><td>${one.reason} <span class="dim">${one.detail}</span></td></tr>`)}</tbody></table>
    ${rejected && !list.length && html`<p class="good">✓ ${Object.values(filter).filter(Boolean).length > 1 || filter.verdict !== 'refused' ? 'No refused delivery passes the filter' : 'Nothing was refused'}.</p>`}</div></div>`;
}

export function Refusal({ id, close }) {
  const { value, error } = useAsked(`rejected/${id}`);
  return html`<article class="detail" id="panel" tabindex="0" aria-label="Refused delivery"><button class="back" onClick=${close}>← list</button><${Trouble} error=${error} />
    ${value && html`<h2>${value.source || 'no source'} <span class="bad">${value.status}</span></h2><p class="dim mono">${value.id} · ${value.received_at} · ${value.method} ${value.url}</p>
      <${Verdict} why=${value.why} headers=${value.headers} />
      <h3>Headers</h3><table><tbody>${value.headers.map(([name, text]) => html`<tr><th scope="row">${name}</th><td class="mono wrap">${text}</td></tr>`)}</tbody></table>
      <h3>Body</h3><${Body} event=${value} />`}</article>`;
}
