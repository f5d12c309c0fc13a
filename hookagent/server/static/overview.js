// The agent at a glance.
import { html, useState, ago, bytes, duration, many, query, useAsked, CopyButton, Trouble } from './kit.js';
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

/** An address, to be broken at its slashes where it must. */
const Address = ({ url }) => html`<code class="address">${url.split(/(?<=\/)/).map((part) => html`${part}<wbr />`)}</code>`;

function Source({ one, slice }) {
  const [isShown, setShown] = useState(false);
  const { activity, scheme } = one;
  const url = one.public || one.url;
  const refused = activity ? sum(activity.rejected) : 0;
  return html`<section class="card"><h3><a href=${`#/events?${query({ source: one.name })}`}>${one.name}</a> <span class=${one.verified ? 'good' : 'warn'}>${one.verified ? `✓ ${scheme.provider || scheme.algorithm || scheme.name}` : '? not verified'}</span>
      <span class="grow"></span><${CopyButton} text=${url} label=${`Copy the address of ${one.name}`} />${one.public && html`<button aria-expanded=${isShown} onClick=${() => setShown(!isShown)}>QR</button>`}</h3>
    <${Address} url=${url} />${isShown && html`<${Qr} name=${one.name} />`}
    <${Spark} activity=${activity} slice=${slice} />
    <p class="facts dim">${activity && html`<span>${sum(activity.events).toLocaleString()} in the last hour</span>`}${refused > 0 && html`<a class="bad" href=${`#/events?${query({ verdict: 'refused', source: one.name })}`}>${refused.toLocaleString()} refused</a>`}
      <span>${one.last_received_at ? `last event ${ago(one.last_received_at)}` : 'no event yet'}</span></p></section>`;
}

export const refusedLately = (overview) =>
  (overview ? sum(overview.sources.map((one) => (one.activity ? sum(one.activity.rejected) : 0))) + overview.turned_away : 0);

const Tile = ({ name, value, kind, href }) => html`<${href ? 'a' : 'div'} class=${`tile ${kind || ''}`} href=${href}><b>${value}</b><span>${name}</span><//>`;

export function Overview({ overview, error, act }) {
  if (!overview) return html`<main class="page"><${Trouble} error=${error} /><p class="dim">…</p></main>`;
  const { runs, queue, tunnel, sources, rules, breakers } = overview;
  return html`<main class="page"><h1 class="hidden">Overview</h1>
    <div class="tiles">
      <${Tile} name="events" value=${overview.events.toLocaleString()} href="#/events" />
      <${Tile} name=${queue.unrouted ? `queued, oldest ${ago(queue.oldest_at)}` : 'queued'} value=${queue.unrouted} />
      <${Tile} name="waiting runs" value=${runs.waiting || 0} kind=${runs.waiting ? 'warn' : ''} href="#/runs" />
      <${Tile} name="dead runs" value=${runs.dead || 0} kind=${runs.dead ? 'bad' : ''} href="#/runs" />
      <${Tile} name="refused in the last hour" value=${refusedLately(overview)} kind=${refusedLately(overview) ? 'warn' : ''} href="#/refused" />
      <${Tile} name="store" value=${bytes(overview.size_bytes)} />
      <${Tile} name=${`tunnel ${tunnel.provider === 'none' ? '' : tunnel.provider}`} value=${tunnel.state} kind=${tunnel.state === 'down' ? 'bad' : ''} />
    </div>
    <h2>Sources ${sources.length > 0 && html`<button onClick=${() => act('craft')}>Send a signed event</button>`}</h2>
    ${!sources.length && html`<p class="dim">None is configured: <code>hookagent init</code> writes one.</p>`}
    <div class="cards">${sources.map((one) => html`<${Source} key=${one.name} one=${one} slice=${overview.slice_ms} />`)}</div>
    <${History} sources=${sources} />
    ${breakers.length > 0 && html`<h2>Breakers</h2><table><tbody>${breakers.map((one) => html`<tr><th scope="row" class="mono">${one.target}</th>
      <td class=${one.state === 'closed' ? '' : 'bad'}>${one.state}</td><td>${many(one.failures, 'failure')} in a row</td><td>${one.until > Date.now() ? `tries again in ${duration(one.until - Date.now())}` : ''}</td></tr>`)}</tbody></table>`}
    <h2>Rules <button onClick=${() => act('try')}>Try a rule</button></h2>
    ${rules.length ? html`<table><tbody>${rules.map((one) => html`<tr><th scope="row"><a href=${`#/events?${query({ rule: one.name })}`}>${one.name}</a></th>
      <td>${one.about || one.on.join(', ')}</td><td class="dim">${one.actions.join(', ')}${one.enabled ? '' : ' (disabled)'}</td><td class="dim mono">${one.file}:${one.line}</td></tr>`)}</tbody></table>`
      : html`<p class="dim">There are none yet. An event's “Make a rule” writes one.</p>`}
  </main>`;
}
