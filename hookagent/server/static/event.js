// One event in full: body, headers, verdict, rules, runs, and what it is related to.
import { html, useState, useEffect, useRef, ask, clock, duration, query, useAsked, Facts, Headers, State, Trouble } from './kit.js';
import { Body } from './body.js';
import { listen } from './live.js';
import { Run } from './runs.js';

export const TABS = ['Body', 'Headers', 'Verdict', 'Rules', 'Runs', 'Related'];

const json = (value) => JSON.stringify(value);
const Table = ({ rows }) => html`<dl>${rows.filter(([, value]) => value !== null && value !== undefined && value !== '').map(([name, value]) =>
  html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

const COVERS = { 'body-signed': 'the whole body', 'origin-only': 'who sent it, not the body', token: 'nothing: a token proves who sent it', none: 'nothing' };

export function Verdict({ why, headers }) {
  if (!why) return html`<p class="dim">…</p>`;
  const { verdict, scheme, diagnosis } = why;
  const isChecked = verdict && verdict.code !== 'unchecked';
  const isBad = isChecked && !verdict.valid;
  const mark = !isChecked ? ['warn', '? not verified'] : verdict.valid ? ['good', '✓ genuine'] : verdict.code === 'unverifiable' ? ['warn', '? unverifiable'] : ['bad', '✗ not genuine'];
  const place = scheme?.signature_in?.match(/header\W+([\w-]+)/i)?.[1]?.toLowerCase();
  const seen = place && headers?.find(([name]) => name.toLowerCase() === place);
  return html`<p class=${`verdict ${mark[0]}`}>${mark[1]}</p>
    ${isBad && html`<div class="trouble"><b>${verdict.code}</b>: ${verdict.detail}
      ${diagnosis && html`<p>${diagnosis.evidence}</p><p><b class="mend">To mend it:</b> ${diagnosis.mend}</p>`}</div>`}
    <${Table} rows=${[
      ['Code', isChecked && !isBad && verdict.code], ['Because', !isBad && verdict?.detail],
      ['Covers', !isBad && verdict && (COVERS[verdict.integrity] || verdict.integrity)],
      ['Scheme', scheme && scheme.name !== 'none' && `${scheme.name} (${scheme.algorithm || scheme.family})`],
      ['Signature in', scheme?.signature_in], ['Header seen', place && (seen ? html`<code>${seen[1]}</code>` : 'missing')],
      ['What is signed', scheme?.signature_in && html`<code>${scheme.signed}</code>`],
      ['Secret', verdict?.secret_index != null && `number ${verdict.secret_index + 1} of ${why.secrets}`],
      ['Timestamp', why.skew_ms != null && `${duration(Math.abs(why.skew_ms))} ${why.skew_ms < 0 ? 'ahead' : 'before arrival'}${scheme?.tolerance_ms ? `, ${duration(scheme.tolerance_ms)} allowed` : ''}`],
    ].map(([name, value]) => [name, value || null])} />`;
}

const Finding = ({ one }) => html`<li class=${one.holds ? 'good' : 'bad'}>${one.holds ? '✓' : '✗'} <code>${one.path} ${one.operator} ${json(one.expected)}</code> ${!one.holds && html`<span class="actual">was ${one.actual.length ? one.actual.map(json).join(', ') : 'missing'}${one.note && one.note !== 'missing' ? ` (${one.note})` : ''}</span>`}</li>`;

/** One rule's conditions for one event; `end` is what came of it where it fits. */
export function Explained({ one, end }) {
  const groups = (list, word, want) => list.map((group) => html`<li class=${group.holds === want ? 'good' : 'bad'}>${group.holds === want ? '✓' : '✗'} ${word}
    <ul>${group.conditions.map((c) => html`<${Finding} one=${c} />`)}</ul></li>`);
  const isGood = one.matches && end[0] === '✓';
  return html`<details class="rule" open=${one.matches || (one.on.holds && one.missed < 3)}>
    <summary class=${isGood ? 'good' : ''}>${one.matches ? end[0] : '✗'} <b>${one.rule}</b>
      <span class="dim"> ${one.matches ? end[1] : !one.on.holds ? 'for other events' : `${one.missed} not met`}${one.matches || one.enabled ? '' : ', disabled'} · ${one.file}:${one.line}</span></summary>
    <ul class="plain">${[one.on, one.during, ...one.when].filter(Boolean).map((c) => html`<${Finding} one=${c} />`)}
      ${groups(one.any, 'any of these groups', true)}${groups(one.unless, 'unless', false)}</ul></details>`;
}

function Rules({ id }) {
  const { value, error } = useAsked(`events/${id}/rules`);
  const end = ({ rule }) => (value.fired.includes(rule) ? ['✓', 'fired'] : ['–', `fits, but did not fire: ${value.unfired[rule]}`]);
  return html`<${Trouble} error=${error} />${value && !value.rules.length && html`<p class="dim">There are no rules.</p>`}
    ${value?.rules.map((one) => html`<${Explained} key=${one.rule} one=${one} end=${end(one)} />`)}`;
}

function Related({ event, act }) {
  const { value } = useAsked(`events?${query({ type: event.type, source: event.source, limit: 6 })}`);
  const others = (value?.events || []).filter((row) => row.id !== event.id);
  const link = (id) => html`<a href=${`#/events?id=${id}`}>${id}</a>`;
  const compared = (id) => html`${link(id)} <button onClick=${() => act('diff', id)}>Diff</button>`;
  return html`<${Table} rows=${[
    ['Original', event.parent && compared(event.parent)], ['Origin', event.origin],
    ['Redelivered', event.duplicates ? `${event.duplicates} ×` : 'never'],
    ['Replays', event.replays.length ? html`<ul class="plain">${event.replays.map((id) => html`<li>${compared(id)}</li>`)}</ul>` : 'none'],
  ]} /><h3>Others of this type</h3>
    ${value && !others.length && html`<p class="dim">None yet.</p>`}
    <ul class="plain">${others.map((row) => html`<li><span class="dim">${clock(row.received_at)}</span> ${compared(row.id)} ${Object.entries(row.runs).map(([name, count]) => html`<${State} name=${name} count=${count} />`)}</li>`)}</ul>`;
}

export function EventView({ id, tab, setTab, act, close, said }) {
  const [event, setEvent] = useState(null);
  const [error, setError] = useState(null);
  const wanted = useRef(id);
  wanted.current = id;
  const load = () => ask(`events/${id}`).then((found) => {
    if (wanted.current !== id) return; // the reader has moved on
    setEvent(found);
    setError(null);
    said(found);
  }, setError);
  useEffect(() => {
    let due = setTimeout(() => { due = 0; load(); }, 40); // a key held down passes many
    const end = listen((kind, value) => {
      if (kind !== 'changed' || due || !(value.many || value.ids.includes(id))) return;
      due = setTimeout(() => { due = 0; load(); }, 300);
    });
    return () => { end(); clearTimeout(due); };
  }, [id]);
  const step = (by) => {
    const next = TABS[(TABS.indexOf(tab) + by + TABS.length) % TABS.length];
    setTab(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  const why = useAsked(tab === 'Verdict' ? `events/${id}/verdict` : '');
  const back = html`<button class="back" onClick=${close}>← list</button>`;
  if (error) return html`<div class="detail">${back}<${Trouble} error=${error} /></div>`;
  if (!event || event.id !== id) return html`<div class="detail dim">…</div>`;
  return html`<article class="detail" aria-label="Event">
    <header>${back}
      <h2>${event.source} <span class="type">${event.type}</span></h2><${Facts} of=${event} />
      <div class="bar">
        <button onClick=${() => act('replay')}>↻ Replay</button><button onClick=${() => act('edit')}>Edit…</button>
        <button onClick=${() => act('export')}>Copy as…</button><button onClick=${() => act('diff')}>Diff</button>
        <button onClick=${() => act('rule')}>Make a rule</button></div></header>
    <div class="tabs" role="tablist" onKeyDown=${(e) => ({ ArrowRight: () => step(1), ArrowLeft: () => step(-1) })[e.key]?.()}>${TABS.map((name) => html`<button role="tab" tabindex=${tab === name ? 0 : -1} id=${`tab-${name}`} aria-controls="panel" aria-selected=${tab === name} onClick=${() => setTab(name)}>${name}${
      name === 'Runs' && event.runs.length ? ` ${event.runs.length}` : ''}</button>`)}</div>
    <div class="panel" role="tabpanel" id="panel" aria-labelledby=${`tab-${tab}`} tabindex="0">
      ${tab === 'Body' && html`<${Body} key=${id} event=${event} />`}
      ${tab === 'Headers' && html`<${Headers} list=${event.headers} /><p class="dim">Secrets are masked, here and in every copy.</p>`}
      ${tab === 'Verdict' && html`<${Trouble} error=${why.error} /><${Verdict} why=${why.value} headers=${event.headers} />`}
      ${tab === 'Rules' && html`<${Rules} key=${id} id=${id} />`}
      ${tab === 'Runs' && (event.runs.length ? event.runs.map((run) => html`<${Run} key=${run.id} run=${run} done=${load} />`) : html`<p class="dim">${event.state === 'routed' ? 'No rule fired. The Rules tab says why.' : 'Not matched yet.'}</p>`)}
      ${tab === 'Related' && html`<${Related} event=${event} act=${act} />`}
    </div></article>`;
}
