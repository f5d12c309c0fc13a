// Refused deliveries: the latest that pass the filter, and why one was not taken.
import { html, useState, useEffect, ask, clock, query, useAsked, Facts, Headers, Trouble } from './kit.js';
import { Verdict } from './event.js';
import { Body } from './body.js';

const REFRESH_MS = 3000;
const BAD_BODY = 'bad-body';
const why = (one) => one.detail || one.error.replace(/^[\w-]+: /, '');

/** The list; they are few, so that it needs no window. What was turned away at once has no page of its own. */
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
  const kept = list.filter((one) => one.id);
  const here = kept.findIndex((one) => one.id === id);
  const go = (place) => {
    const one = kept[Math.min(Math.max(place, 0), kept.length - 1)];
    if (!one) return;
    open(one.id);
    document.getElementById(one.id)?.scrollIntoView({ block: 'nearest' });
  };
  control.current = {
    move: (by) => go(here < 0 ? 0 : here + by), page: (by) => go(here + by * 20),
    first: () => go(0), last: () => go(Infinity), focus: () => document.querySelector('.on a, .click a')?.focus(),
  };
  return html`<div class="list"><${Trouble} error=${error} />
    <div class="scroll">${list.length > 0 && html`<table class="click"><thead><tr><th>Time</th><th>Status</th><th>Source</th><th>Why</th></tr></thead><tbody>${list.map((one) => html`<tr key=${one.id || one.received_at + one.error} id=${one.id || undefined} class=${one.id && one.id === id ? 'on' : ''}>
      <td>${one.id ? html`<a href=${`#/events?${query({ ...filter, id: one.id })}`}>${clock(one.received_at)}</a>` : clock(one.received_at)}</td><td class="bad">${one.status}</td><td>${one.source || '–'}</td><td>${one.reason} <span class="dim">${why(one)}</span></td></tr>`)}</tbody></table>`}
    ${rejected && !list.length && html`<p class="good">✓ ${Object.values(filter).filter(Boolean).length > 1 || filter.verdict !== 'refused' ? 'No refused delivery passes the filter' : 'Nothing was refused'}.</p>`}</div></div>`;
}

export function Refusal({ id, close, act, said }) {
  const { value, error } = useAsked(`rejected/${id}`);
  useEffect(() => { if (value) said(value); }, [value]);
  return html`<article class="detail" id="panel" tabindex="0" aria-label="Refused delivery"><header><button class="back" onClick=${close}>← list</button><${Trouble} error=${error} />
    ${value && html`<h2>${value.source || 'no source'} <span class="bad">refused, ${value.status}</span></h2><${Facts} of=${value} />
      <div class="bar"><button onClick=${() => act('replay')}>↻ Replay</button><button onClick=${() => act('edit')}>Edit…</button><button onClick=${() => act('export')}>Copy as…</button></div>`}</header>
    ${value && html`${value.reason === BAD_BODY && html`<div class="trouble"><b>${BAD_BODY}</b>: ${why(value)}
        <p><b class="mend">To mend it:</b> have the sender send JSON, or let the source take anything: <code>body = "any"</code> under <code>[sources.${value.source}]</code>.</p></div>`}
      <${Verdict} why=${value.why} headers=${value.headers} />
      <h3>Headers</h3><${Headers} list=${value.headers} />
      <h3>Body</h3><${Body} event=${value} />`}</article>`;
}
