// The agent at a glance, and its dead runs.
import { html, useState, useEffect, ask, ago, bytes, copy, duration, query, Trouble } from './kit.js';
import { Run, useAsked } from './event.js';
import { History } from './history.js';

const WIDTH = 120;
const TALL = 24;
const sum = (list) => list.reduce((total, one) => total + one, 0);

/** The last hour in bars, oldest first; refused ones stand on top of events. */
function Spark({ activity, slice }) {
  if (!activity) return html`<span class="dim">–</span>`;
  const { events, rejected, duplicates } = activity;
  const most = Math.max(...events.map((count, place) => count + rejected[place]), 1);
  const wide = WIDTH / events.length;
  const label = `last hour: ${sum(events)} events, ${sum(duplicates)} duplicates, ${sum(rejected)} refused; ${(events[events.length - 1] / (slice / 60000)).toFixed(1)} a minute now`;
  return html`<svg class="spark" viewBox=${`0 0 ${WIDTH} ${TALL}`} preserveAspectRatio="none" role="img" aria-label=${label}><title>${label}</title>
    ${events.map((count, place) => {
      const good = (count / most) * TALL;
      const bad = (rejected[place] / most) * TALL;
      return html`<rect class="ok" x=${place * wide} width=${wide - 1} y=${TALL - good} height=${good} /><rect class="no" x=${place * wide} width=${wide - 1} y=${TALL - good - bad} height=${bad} />`;
    })}</svg>`;
}

function Qr({ name }) {
  const { value, error } = useAsked(`sources/${name}/qr`);
  if (!value) return html`<${Trouble} error=${error} />`;
  const size = value.rows.length;
  const path = value.rows.flatMap((row, y) => [...row].map((cell, x) => (cell === '1' ? `M${x} ${y}h1v1h-1z` : ''))).join('');
  return html`<svg class="qr" viewBox=${`-4 -4 ${size + 8} ${size + 8}`} role="img" aria-label=${`QR code of ${value.url}`}><rect x="-4" y="-4" width=${size + 8} height=${size + 8} fill="#fff" /><path d=${path} fill="#000" /></svg>`;
}

function Address({ url, name, isPublic }) {
  const [isCopied, setCopied] = useState(false);
  const [isShown, setShown] = useState(false);
  return html`<div class="address"><code>${url}</code> <button onClick=${async () => setCopied(await copy(url))} aria-label=${`Copy the address of ${name}`}>${isCopied ? '✓' : 'Copy'}</button>
    ${isPublic && html` <button aria-expanded=${isShown ? 'true' : 'false'} onClick=${() => setShown(!isShown)}>QR</button>${isShown && html`<${Qr} name=${name} />`}`}</div>`;
}

const Tile = ({ name, value, kind }) => html`<div class=${`tile ${kind || ''}`}><b>${value}</b><span>${name}</span></div>`;

export function Overview({ overview, error, act }) {
  if (!overview) return html`<main class="page"><${Trouble} error=${error} /><p class="dim">…</p></main>`;
  const { runs, queue, tunnel, sources, rules, breakers } = overview;
  return html`<main class="page"><h1 class="hidden">Overview</h1>
    <div class="tiles">
      <${Tile} name="events" value=${overview.events.toLocaleString()} />
      <${Tile} name=${queue.unrouted ? `queued, oldest ${ago(queue.oldest_at)}` : 'queued'} value=${queue.unrouted} />
      <${Tile} name="waiting to retry" value=${runs.waiting || 0} kind=${runs.waiting ? 'warn' : ''} />
      <${Tile} name="dead runs" value=${runs.dead || 0} kind=${runs.dead ? 'bad' : ''} />
      <${Tile} name="store" value=${bytes(overview.size_bytes)} />
      <${Tile} name=${`tunnel ${tunnel.provider === 'none' ? '' : tunnel.provider}`} value=${tunnel.state} kind=${tunnel.state === 'down' ? 'bad' : ''} />
    </div>
    <h2>Sources <button onClick=${() => act('craft')}>Send a signed event</button></h2>
    <div class="cards">${sources.map((one) => html`<section class="card"><h3><a href=${`#/events?${query({ source: one.name })}`}>${one.name}</a> <span class=${one.verified ? 'good' : 'warn'}>${one.verified ? `✓ ${one.scheme.provider || one.scheme.algorithm || one.scheme.name}` : '? not verified'}</span></h3>
      <${Address} url=${one.public || one.url} name=${one.name} isPublic=${Boolean(one.public)} />
      <${Spark} activity=${one.activity} slice=${overview.slice_ms} /><div class="dim">${one.activity ? `${sum(one.activity.events)} in the last hour${sum(one.activity.rejected) ? `, ${sum(one.activity.rejected)} refused` : ''} · ` : ''}last event ${ago(one.last_received_at)}</div></section>`)}</div>
    <${History} sources=${sources} />
    ${breakers.length > 0 && html`<h2>Breakers</h2><table><tbody>${breakers.map((one) => html`<tr><th scope="row" class="mono">${one.target}</th>
      <td class=${one.state === 'closed' ? '' : 'bad'}>${one.state}</td><td>${one.failures} failures in a row</td><td>${one.until > Date.now() ? `tries again in ${duration(one.until - Date.now())}` : ''}</td></tr>`)}</tbody></table>`}
    <h2>Rules <button onClick=${() => act('try')}>Try a rule</button></h2>
    ${rules.length ? html`<table><tbody>${rules.map((one) => html`<tr><th scope="row"><a href=${`#/events?${query({ rule: one.name })}`}>${one.name}</a></th>
      <td>${one.about || one.on.join(', ')}</td><td class="dim">${one.actions.join(', ')}${one.enabled ? '' : ' (disabled)'}</td><td class="dim mono">${one.file}:${one.line}</td></tr>`)}</tbody></table>`
      : html`<p class="dim">There are none yet. An event's “Make a rule” writes one.</p>`}
  </main>`;
}

/** What models propose and a person decides. */
function Approvals({ fresh }) {
  const [found, setFound] = useState([]);
  const [error, setError] = useState(null);
  const load = () => ask('approvals').then((said) => setFound(said.approvals), setError);
  useEffect(() => { load(); }, [fresh]);
  const decide = (run, said) => ask(`runs/${run}/decide`, { said }).then(load, setError);
  return html`<${Trouble} error=${error} />${found.map((one) => html`<section class="run" key=${one.run}><h3>${one.rule} asks</h3>
    <a href=${`#/events?id=${one.event}&tab=Runs`}>${one.event}</a><pre class="raw">${JSON.stringify(one.what, null, 2)}</pre>
    ${one.said ? html`<p role="status">You said ${one.said}.</p>` : html`<div class="bar"><button onClick=${() => decide(one.run, 'yes')}>Yes, do it</button><button onClick=${() => decide(one.run, 'no')}>No</button></div>`}</section>`)}`;
}

export function Dead({ overview }) {
  const [page, setPage] = useState({ runs: [] });
  const [error, setError] = useState(null);
  const load = (before) => ask(`runs?${query({ state: 'dead,waiting', before })}`).then(
    (found) => setPage((old) => (before ? { ...found, runs: [...old.runs, ...found.runs] } : found)), setError);
  const count = `${overview?.runs.dead} ${overview?.runs.waiting}`;
  useEffect(() => { load(); }, [count]);
  return html`<main class="page"><h1>Dead and waiting runs</h1><h2 class="hidden">Runs</h2><${Approvals} fresh=${count} /><${Trouble} error=${error} />
    ${page.runs.map((run) => html`<${Run} key=${run.id} run=${run} done=${() => load()} link />`)}
    ${!page.runs.length && html`<p class="good">✓ Nothing is dead, nothing waits.</p>`}
    ${page.next && html`<button onClick=${() => load(page.next)}>More</button>`}</main>`;
}
