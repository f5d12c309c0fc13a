// What happened over any stretch of time: plots, latencies, failures and their causes.
import { html, useState, useEffect, ask, clock, duration, query, store, Choice, Trouble } from './kit.js';

const EVERY_MS = 10000;
const WIDTH = 600;
const TALL = 60;
const MOST = 15;
const SPANS = [['1h', 'last hour'], ['6h', '6 hours'], ['24h', '24 hours'], ['7d', '7 days'], ['30d', '30 days'], ['365d', 'a year'], ['', 'from … until']];
const PLOTS = [['deliveries', [['accepted', 'ok', 'events'], ['duplicate', 'dup', 'duplicates'], ['rejected', 'no', 'refused']]],
  ['runs', [['done', 'ok', 'done'], ['dead', 'no', 'dead']]]];
const sum = (list) => list.reduce((total, one) => total + one, 0);
const ms = (value) => (value === null || value === undefined ? '–' : value ? duration(value) : '<1 ms');

/** Bars over time, what went wrong on top. */
function Plot({ name, words, found }) {
  const { bars } = found.total;
  const shown = words.filter(([word]) => bars[word]);
  if (!shown.length) return null;
  const count = bars[shown[0][0]].length;
  const heights = [...Array(count).keys()].map((place) => sum(shown.map(([word]) => bars[word][place])));
  const most = Math.max(...heights, 1);
  const wide = WIDTH / count;
  const said = shown.map(([word, , label]) => `${sum(bars[word]).toLocaleString()} ${label}`).join(', ');
  const label = `${name}: ${said}; one bar is ${duration(found.step_ms)}, the highest ${most}`;
  return html`<figure class="history"><svg viewBox=${`0 0 ${WIDTH} ${TALL}`} preserveAspectRatio="none" role="img" aria-label=${label}>
    ${heights.map((_height, place) => {
      let top = TALL;
      const when = new Date(found.bars_from + place * found.step_ms).toLocaleString();
      const title = `${when}: ${shown.map(([word, , what]) => `${bars[word][place]} ${what}`).join(', ')}`;
      return html`<g><title>${title}</title>${shown.map(([word, kind]) => {
        const height = (bars[word][place] / most) * TALL;
        top -= height;
        return html`<rect class=${kind} x=${place * wide} width=${Math.max(wide - 1, 1)} y=${top} height=${height} />`;
      })}</g>`;
    })}</svg><figcaption class="dim">${said} · since ${clock(found.bars_from)}, one bar is ${duration(found.step_ms)}, the highest ${most.toLocaleString()}</figcaption></figure>`;
}

const quantiles = (times) => ['p50', 'p95', 'p99'].map((name) => html`<td class="count">${ms(times && times[name])}</td>`);
const failed = (row) => row.counts.dead || row.counts.rejected || 0;
const why = (row) => Object.entries(row.causes).slice(0, 3).map(([cause, count]) => html`<div><b>${count}</b> ${cause}</div>`);

function Table({ title, rows, columns, time, filter }) {
  if (!rows.length) return null;
  return html`<h3>${title}</h3><div class="across" tabindex="0" role="region" aria-label=${title}><table><thead><tr><th>Name</th>${columns.map(([label]) => html`<th class="count">${label}</th>`)}
    ${time && html`<th class="count">p50</th><th class="count">p95</th><th class="count">p99</th>`}<th>Why</th></tr></thead>
    <tbody>${rows.slice(0, MOST).map((row) => html`<tr key=${row.name}><th scope="row">${filter ? html`<a href=${`#/events?${query(filter(row.name))}`}>${row.name}</a>` : row.name}</th>
      ${columns.map(([, value]) => { const number = value(row); return html`<td class=${`count ${value === failed && number ? 'bad' : ''}`}>${number.toLocaleString()}</td>`; })}
      ${time && quantiles(row.times[time])}<td class="wrap">${why(row)}</td></tr>`)}</tbody></table></div>
    ${rows.length > MOST && html`<p class="dim">and ${rows.length - MOST} more: hookagent stats --json</p>`}`;
}

const of = (word) => (row) => row.counts[word] || 0;
const typeFilter = (name) => ({ source: name.split('/')[0], type: name.slice(name.indexOf('/') + 1) });

export function History({ sources }) {
  const [span, setSpan] = useState(store.get('history', '24h'));
  const [ends, setEnds] = useState(['', '']);
  const [source, setSource] = useState('');
  const [found, setFound] = useState(null);
  const [error, setError] = useState(null);
  const [since, until] = span ? [span, ''] : ends.map((text) => (text ? String(new Date(text).getTime()) : ''));
  useEffect(() => {
    let isGone = false;
    const load = () => ask(`statistics?${query({ since, until, source })}`).then(
      (said) => { if (!isGone) { setFound(said); setError(null); } }, (one) => { if (!isGone) setError(one); });
    load();
    const timer = until ? 0 : setInterval(load, EVERY_MS);
    return () => { isGone = true; clearInterval(timer); };
  }, [since, until, source]);
  const choose = (value) => { setSpan(value); store.set('history', value); };
  const end = (place) => (event) => setEnds(ends.map((text, at) => (at === place ? event.target.value : text)));
  return html`<section aria-labelledby="history"><h2 id="history">History</h2><div class="bar">
      <${Choice} label="Stretch of time" isBare value=${span} set=${choose} options=${SPANS} />
      ${!span && ['From', 'Until'].map((label, place) => html`<input type="datetime-local" aria-label=${label} value=${ends[place]} onChange=${end(place)} />`)}
      <${Choice} label="Source" isBare value=${source} set=${setSource} options=${[['', 'all sources'], ...sources.map((one) => one.name)]} /></div>
    <${Trouble} error=${error} />
    ${found && (Object.keys(found.total.bars).length ? PLOTS.map(([name, words]) => html`<${Plot} key=${name} name=${name} words=${words} found=${found} />`)
      : html`<p class="dim">Nothing was counted in this time.</p>`)}
    ${found && html`<${Table} title="By source, time to the answer" rows=${found.sources} time="answer" filter=${(name) => ({ source: name })}
      columns=${[['Events', of('accepted')], ['Duplicates', of('duplicate')], ['Refused', of('rejected')], ['Dead', of('dead')]]} />
      <${Table} title="By type" rows=${found.types} filter=${typeFilter} time="run" columns=${[['Events', of('accepted')], ['Runs', of('begun')], ['Dead', failed]]} />
      <${Table} title="By rule, from arrival to end" rows=${found.rules} time="run" filter=${(name) => ({ rule: name })}
        columns=${[['Runs', of('begun')], ['Done', of('done')], ['Retries', of('waiting')], ['Dead', failed]]} />
      <${Table} title="By action, one try" rows=${found.actions} time="try"
        columns=${[['Tries', (row) => sum(Object.values(row.counts))], ['Done', of('done')], ['Failed', (row) => sum(Object.values(row.counts)) - of('done')(row)]]} />`}</section>`;
}
