// One event in full: body, headers, verdict, rules, runs, and what it is related to.
import { html, useState, useEffect, useRef, ask, clock, duration, query, State, Trouble } from './kit.js';
import { Body } from './body.js';
import { listen } from './live.js';

export const TABS = ['Body', 'Headers', 'Verdict', 'Rules', 'Runs', 'Related'];

/** Ask once for each path; `null` until it is there. */
export function useAsked(path) {
  const [found, setFound] = useState({});
  useEffect(() => {
    let isWanted = true;
    if (path) ask(path).then((value) => isWanted && setFound({ path, value }), (error) => isWanted && setFound({ path, error }));
    return () => { isWanted = false; };
  }, [path]);
  return found.path === path ? found : {};
}

const json = (value) => JSON.stringify(value);
const Facts = ({ facts }) => html`<dl>${facts.filter(([, value]) => value !== null && value !== undefined && value !== '').map(([name, value]) =>
  html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

export function Verdict({ why, headers }) {
  if (!why) return html`<p class="dim">…</p>`;
  const { verdict, scheme, diagnosis } = why;
  const isChecked = verdict && verdict.code !== 'unchecked';
  const mark = !verdict || !isChecked ? ['warn', '? not verified'] : verdict.valid ? ['good', '✓ genuine'] : verdict.code === 'unverifiable' ? ['warn', '? unverifiable'] : ['bad', '✗ not genuine'];
  const place = scheme?.signature_in?.match(/header\W+([\w-]+)/i)?.[1]?.toLowerCase();
  const seen = place && headers?.find(([name]) => name.toLowerCase() === place);
  return html`<p class=${`verdict ${mark[0]}`}>${mark[1]}</p>
    <${Facts} facts=${[
      ['Code', verdict?.code], ['Because', verdict?.detail],
      ['Evidence', !verdict?.valid && diagnosis?.evidence], ['To mend it', !verdict?.valid && diagnosis?.mend],
      ['Covers', verdict?.integrity], ['Scheme', scheme && `${scheme.name} (${scheme.algorithm || scheme.family})`],
      ['Signature in', scheme?.signature_in], ['Header seen', place && (seen ? seen[1] : 'missing')],
      ['What is signed', scheme?.signature_in && scheme.signed],
      ['Secret', verdict?.secret_index != null && `number ${verdict.secret_index + 1} of ${why.secrets}`],
      ['Timestamp', why.skew_ms != null && `${duration(Math.abs(why.skew_ms))} ${why.skew_ms < 0 ? 'ahead' : 'before arrival'}${scheme?.tolerance_ms ? `, ${duration(scheme.tolerance_ms)} allowed` : ''}`],
    ].map(([name, value]) => [name, value || null])} />`;
}

const Finding = ({ one }) => html`<li class=${one.holds ? 'good' : 'bad'}>${one.holds ? '✓' : '✗'} <code>${one.path} ${one.operator} ${json(one.expected)}</code> ${!one.holds && html`<span class="actual">was ${one.actual.length ? one.actual.map(json).join(', ') : 'missing'}${one.note && one.note !== 'missing' ? ` (${one.note})` : ''}</span>`}</li>`;

export function Explained({ one, fired }) {
  const groups = (list, word, want) => list.map((group) => html`<li class=${group.holds === want ? 'good' : 'bad'}>${group.holds === want ? '✓' : '✗'} ${word}
    <ul>${group.conditions.map((c) => html`<${Finding} one=${c} />`)}</ul></li>`);
  return html`<details class="rule" open=${one.matches || (one.on.holds && one.missed < 3)}>
    <summary class=${one.matches ? 'good' : ''}>${one.matches ? '✓' : '✗'} <b>${one.rule}</b>
      <span class="dim"> ${fired?.includes(one.rule) ? 'fired' : one.matches ? 'matches now' : !one.on.holds ? 'for other events' : `${one.missed} not met`}${one.enabled ? '' : ', disabled'} · ${one.file}:${one.line}</span></summary>
    <ul class="plain">${[one.on, one.during, ...one.when].filter(Boolean).map((c) => html`<${Finding} one=${c} />`)}
      ${groups(one.any, 'any of these groups', true)}${groups(one.unless, 'unless', false)}</ul></details>`;
}

function Rules({ id }) {
  const { value, error } = useAsked(`events/${id}/rules`);
  return html`<${Trouble} error=${error} />${value && !value.rules.length && html`<p class="dim">There are no rules.</p>`}
    ${value?.rules.map((one) => html`<${Explained} key=${one.rule} one=${one} fired=${value.fired} />`)}`;
}

export function Run({ run, done, link }) {
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const act = async (what) => {
    setBusy(true);
    await ask(`runs/${run.id}/${what}`, {}).then(() => setError(null), setError);
    await done();
    setBusy(false);
  };
  const longest = Math.max(...run.steps.flatMap((step) => step.attempts.map((one) => one.ms)), 1);
  return html`<section class="run"><h3>${run.rule} <${State} name=${run.state} />
      ${run.state === 'dead' && html`<button disabled=${isBusy} onClick=${() => act('retry')}>Retry</button> <button disabled=${isBusy} onClick=${() => act('discard')}>Discard</button>`}</h3>
    ${link && html`<a href=${`#/events?id=${run.event}&tab=Runs`}>${run.event}</a>`}
    ${run.reason && html`<p class="bad">${run.reason}</p>`}
    ${run.state === 'waiting' && run.due_at && html`<p class="warn">◷ next try ${clock(run.due_at)}, in ${duration(Math.max(new Date(run.due_at) - Date.now(), 0))}</p>`}
    <${Trouble} error=${error} />
    <ol class="line">${run.steps.map((step) => html`<li class=${step.state}><b>${step.name}</b> <span class="dim">${step.action}</span> <${State} name=${step.state} />
      <ul class="plain">${step.attempts.map((one, place) => html`<li><span class="mono dim">${place + 1}. ${clock(one.started_at)}</span> <span class="took" style=${{ width: `${Math.max((one.ms / longest) * 80, 2)}px` }}></span> ${duration(one.ms)} <span class=${one.outcome === 'done' ? 'good' : 'bad'}>${one.outcome}</span>
        ${one.error && html`<div class="bad mono wrap">${one.error}</div>`}</li>`)}</ul>
      ${step.output != null && html`<details><summary>output</summary><pre class="raw">${JSON.stringify(step.output, null, 2)}</pre></details>`}</li>`)}</ol></section>`;
}

function Related({ event, act }) {
  const { value } = useAsked(`events?${query({ type: event.type, source: event.source, limit: 6 })}`);
  const others = (value?.events || []).filter((row) => row.id !== event.id);
  const link = (id) => html`<a href=${`#/events?id=${id}`}>${id}</a>`;
  return html`<${Facts} facts=${[
    ['Original', event.parent && link(event.parent)], ['Origin', event.origin],
    ['Redelivered', event.duplicates ? `${event.duplicates} ×` : 'never'],
    ['Replays', event.replays.length ? html`<ul class="plain">${event.replays.map((id) => html`<li>${link(id)} <button onClick=${() => act('diff', id)}>Diff</button></li>`)}</ul>` : 'none'],
  ]} /><h3>Latest of this type</h3>
  <ul class="plain">${others.map((row) => html`<li>${clock(row.received_at)} ${link(row.id)} <button onClick=${() => act('diff', row.id)}>Diff</button></li>`)}</ul>
  ${value && !others.length && html`<p class="dim">This is the only one.</p>`}`;
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
  if (error) return html`<div class="detail"><button class="back" onClick=${close}>← list</button><${Trouble} error=${error} /></div>`;
  if (!event || event.id !== id) return html`<div class="detail dim">…</div>`;
  return html`<article class="detail" aria-label="Event">
    <header><button class="back" onClick=${close}>← list</button>
      <h2>${event.source} <span class="type">${event.type}</span></h2>
      <p class="dim mono"><span>${event.id}</span> · ${event.received_at} · ${event.method} ${event.url}${event.client_ip ? ` · ${event.client_ip}` : ''}</p>
      <div class="bar">
        <button onClick=${() => act('replay')}>↻ Replay</button><button onClick=${() => act('edit')}>Edit…</button>
        <button onClick=${() => act('export')}>Copy as…</button><button onClick=${() => act('diff')}>Diff</button>
        <button onClick=${() => act('rule')}>Make a rule</button></div></header>
    <div class="tabs" role="tablist" onKeyDown=${(e) => ({ ArrowRight: () => step(1), ArrowLeft: () => step(-1) })[e.key]?.()}>${TABS.map((name) => html`<button role="tab" tabindex=${tab === name ? 0 : -1} id=${`tab-${name}`} aria-controls="panel" aria-selected=${tab === name ? 'true' : 'false'} onClick=${() => setTab(name)}>${name}${
      name === 'Runs' && event.runs.length ? ` ${event.runs.length}` : ''}</button>`)}</div>
    <div class="panel" role="tabpanel" id="panel" aria-labelledby=${`tab-${tab}`} tabindex="0">
      ${tab === 'Body' && html`<${Body} key=${id} event=${event} />`}
      ${tab === 'Headers' && html`<table><tbody>${event.headers.map(([name, value]) => html`<tr><th scope="row">${name}</th><td class="mono wrap">${value}</td></tr>`)}</tbody></table>
        <p class="dim">Secrets are masked, here and in every copy.</p>`}
      ${tab === 'Verdict' && html`<${Trouble} error=${why.error} /><${Verdict} why=${why.value} headers=${event.headers} />`}
      ${tab === 'Rules' && html`<${Rules} key=${id} id=${id} />`}
      ${tab === 'Runs' && (event.runs.length ? event.runs.map((run) => html`<${Run} key=${run.id} run=${run} done=${load} />`) : html`<p class="dim">${event.state === 'routed' ? 'No rule fired. The Rules tab says why.' : 'Not matched yet.'}</p>`)}
      ${tab === 'Related' && html`<${Related} event=${event} act=${act} />`}
    </div></article>`;
}
