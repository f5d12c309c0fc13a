// The list of events: filters, and a grid that holds only the rows in view.
import { html, useState, useEffect, useLayoutEffect, useRef, clock, bytes, Choice, State, Trouble } from './kit.js';
import { rowsOf } from './rows.js';
import { listen } from './live.js';

const MORE = 8; // rows above and below the view
const HEIGHT_MAX = 30e6; // pixels a browser can scroll; a longer list is scrolled in larger steps

const SINCE = [['', 'any time'], ['15m', 'last 15 minutes'], ['1h', 'last hour'], ['24h', 'last day'], ['7d', 'last week']];
const STATUS = ['pending', 'running', 'waiting', 'done', 'dead', 'discarded', 'quiet', 'stored'];
const VERDICT = [['ok', 'genuine'], ['body-signed', 'body signed'], ['origin-only', 'origin only'], ['token', 'token'], ['none', 'not verified']];
const REASONS = [
  'missing-signature', 'doubled-header', 'malformed-signature', 'wrong-signature', 'wrong-token', 'missing-timestamp', 'malformed-timestamp',
  'timestamp-stale', 'timestamp-ahead', 'too-many-signatures', 'missing-signed-part', 'untrusted-key', 'key-unavailable', 'wrong-claim',
  'wrong-digest', 'address-not-allowed', 'unverifiable', 'bad-body',
];
const ORIGIN = [['live', 'live'], ['replay', 'replayed'], ['fetched', 'fetched'], ['internal', 'internal']];

/** Whether a verdict means refused deliveries, which are no events. */
export const isRefused = (verdict) => verdict === 'refused' || REASONS.includes(verdict);

export const FILTERS = ['text', 'source', 'type', 'status', 'rule', 'verdict', 'origin', 'since', 'parent'];

export function Filters({ filter, set, overview }) {
  const [text, setText] = useState(filter.text || '');
  const [type, setType] = useState(filter.type || '');
  const timer = useRef();
  useEffect(() => setText(filter.text || ''), [filter.text]);
  useEffect(() => setType(filter.type || ''), [filter.type]);
  const soon = (name, value) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => set({ [name]: value }), 250);
  };
  const count = FILTERS.filter((name) => name !== 'text' && filter[name] && filter[name] !== 'refused').length;
  const [isOpen, setOpen] = useState(false);
  useEffect(() => { if (count) setOpen(true); }, [count > 0]);
  const names = (list) => [['', 'all'], ...(list || []).map((one) => one.name)];
  return html`<form class="filters" role="search" onSubmit=${(e) => e.preventDefault()}>
    <input id="search" type="search" placeholder="Search bodies…   /" aria-label="Search bodies" value=${text}
      onInput=${(e) => { setText(e.target.value); soon('text', e.target.value); }} />
    <details class="facets" open=${isOpen} onToggle=${(e) => setOpen(e.target.open)}><summary>Filter${count ? ` (${count})` : ''}</summary><div>
      <${Choice} label="Source" value=${filter.source} set=${(source) => set({ source })} options=${names(overview?.sources)} />
      <label>Type<input value=${type} placeholder="invoice.*" list="types"
        onInput=${(e) => { setType(e.target.value); soon('type', e.target.value); }} /></label>
      <${Choice} label="State" value=${filter.status} set=${(status) => set({ status })} options=${[['', 'all'], ...STATUS]} />
      <${Choice} label="Rule" value=${filter.rule} set=${(rule) => set({ rule })} options=${names(overview?.rules)} />
      <${Choice} label="Verdict" value=${filter.verdict} set=${(verdict) => set({ verdict })} options=${[['', 'all accepted'], ...VERDICT, ['refused', 'refused'], ...REASONS.map((one) => [one, `refused: ${one}`])]} />
      <${Choice} label="Origin" value=${filter.origin} set=${(origin) => set({ origin })} options=${[['', 'all'], ...ORIGIN]} />
      <${Choice} label="Received" value=${filter.since} set=${(since) => set({ since })} options=${SINCE} />
      ${(count > 0 || filter.text) && html`<button type="button" onClick=${() => set(Object.fromEntries(FILTERS.map((name) => [name, ''])))}>Clear</button>`}
    </div></details>
  </form>`;
}

const Row = ({ row, place, y, height, selected, open }) => {
  const style = { transform: `translateY(${y}px)`, height: `${height}px` };
  if (!row) return html`<div class="row" role="row" aria-rowindex=${place + 1} style=${style}><span role="gridcell" class="dim">…</span></div>`;
  const isChecked = row.integrity !== 'none';
  const runs = Object.entries(row.runs);
  return html`<div class=${`row ${selected ? 'on' : ''}`} role="row" id=${`row-${row.seq}`} aria-rowindex=${place + 1}
    aria-selected=${selected} style=${style} onClick=${() => open(row)}>
    <span role="gridcell" class="time">${clock(row.received_at)}</span>
    <span role="gridcell" class=${isChecked ? 'good' : 'warn'} title=${isChecked ? `genuine: ${row.integrity}` : 'not verified'}>${isChecked ? '✓' : '?'}<span class="hidden">${isChecked ? 'genuine' : 'not verified'}</span></span>
    <span role="gridcell" class="source">${row.source}</span>
    <span role="gridcell" class="type">${row.type || '–'}</span>
    <span role="gridcell" class="runs">${runs.length ? runs.map(([name, count]) => html`<${State} name=${name} count=${count} />`)
      : html`<span class="dim">${row.state === 'routed' ? 'no rule' : 'waiting'}</span>`}
      ${row.origin !== 'live' && html`<span class="tag">↻ ${row.origin}</span>`}
      ${row.duplicates > 0 && html`<span class="tag">×${row.duplicates + 1}</span>`}</span>
    <span role="gridcell" class="size">${bytes(row.size)}</span>
  </div>`;
};

/** The grid; `control.current` lets the keyboard reach it. */
export function EventList({ filter, selected, open, isPaused, setPaused, control, empty }) {
  const box = useRef();
  const [, redraw] = useState(0);
  const [view, setView] = useState({ top: 0, height: 600, width: 900 });
  const rows = useRef();
  const shown = useRef([0, 0]);
  const again = useRef();
  const own = useRef(0); // what was chosen here; what was chosen elsewhere is brought into view
  const cursor = useRef(-1); // the place of the keyboard; keys come faster than renders
  const wish = useRef(null); // a place to open once its row is there
  const key = JSON.stringify(filter);
  const narrow = view.width < 560;
  const height = narrow ? 52 : 30;

  useEffect(() => {
    const make = () => {
      if (rows.current) rows.current.ended = true;
      const made = rowsOf(filter, () => redraw((n) => n + 1));
      made.isLive = !isPaused;
      rows.current = made;
      if (box.current) box.current.scrollTop = 0;
      made.start();
    };
    make();
    again.current = make;
    return listen((kind, value) => {
      if (kind === 'rows') { if (!rows.current.add(value)) make(); }
      else if (kind === 'reset') make();
      else if (kind === 'changed') rows.current.refresh(...shown.current, new Set(value.ids), value.many);
    });
  }, [key]);

  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      const { width, height: tall } = entry.contentRect;
      setView((old) => ({ ...old, width, height: tall }));
    });
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);

  const data = rows.current;
  const isTop = view.top < height;
  if (data) data.isLive = !isPaused && isTop;
  const count = data?.count || 0;
  const tall = Math.min(count * height, HEIGHT_MAX);
  const scale = tall > view.height ? (count * height - view.height) / (tall - view.height) : 1;
  const above = view.top * scale; // pixels of the whole list above the view
  const first = Math.max(Math.floor(above / height) - MORE, 0);
  const last = Math.min(Math.ceil((above + view.height) / height) + MORE, count) - 1;
  shown.current = [first, last];
  useEffect(() => { if (data && last >= first) data.need(first, last); });
  useLayoutEffect(() => {
    if (!data) return;
    if (data.shift && !isTop) box.current.scrollTop += (data.shift * height) / scale;
    data.shift = 0;
    if (wish.current !== null && data.at(Math.min(wish.current, count - 1))) go(wish.current);
    data.anchor = data.seqAt(first + MORE) || 0;
  });

  const choose = (row, isStep) => {
    own.current = row.seq;
    open(row, isStep);
  };
  const resume = () => {
    setPaused(false);
    box.current.scrollTop = 0;
    data.isLive = true;
    if (data.show()) redraw((n) => n + 1);
    else again.current();
  };
  const go = (place) => {
    const wanted = Math.min(Math.max(place, 0), count - 1);
    cursor.current = wanted;
    const row = data.at(wanted);
    const { scrollTop, clientHeight } = box.current;
    const seen = scrollTop * scale;
    if (wanted * height < seen) box.current.scrollTop = (wanted * height) / scale;
    else if ((wanted + 1) * height > seen + clientHeight) box.current.scrollTop = ((wanted + 1) * height - clientHeight) / scale;
    wish.current = row ? null : place;
    if (row) choose(row, true);
  };
  const here = data && selected ? data.placeOf(selected) : -1;
  useLayoutEffect(() => { cursor.current = here; }, [here]);
  useLayoutEffect(() => {
    if (!data?.isReady || !selected || own.current === selected) return;
    if (here < 0) data.reach(selected);
    else {
      own.current = selected;
      if (here * height < above || (here + 1) * height > above + view.height) box.current.scrollTop = Math.max(here * height - view.height / 3, 0) / scale;
    }
  }, [selected, here, data?.isReady]);
  const from = (by) => (cursor.current < 0 ? 0 : cursor.current + by);
  control.current = {
    move: (by) => count && go(from(by)),
    first: () => count && go(0),
    last: () => { if (count) { box.current.scrollTop = tall; go(Infinity); } },
    page: (by) => count && go(from(by * Math.max(Math.floor(view.height / height) - 1, 1))),
    focus: () => box.current.focus(),
    resume,
  };

  const places = [];
  for (let place = first; place <= last; place += 1) places.push(place);
  const fresh = data ? data.fresh : 0;
  return html`<div class="list">
    ${fresh > 0 && html`<button class="fresh" onClick=${resume}>↑ ${fresh.toLocaleString()} new</button>`}
    <${Trouble} error=${data?.error} />
    <div class=${`grid ${narrow ? 'narrow' : ''}`} ref=${box} role="grid" tabindex="0" aria-label="Events, newest first"
      aria-rowcount=${count} aria-activedescendant=${here >= first && here <= last && data.at(here) ? `row-${selected}` : undefined}
      onScroll=${(e) => { const top = e.target.scrollTop; setView((old) => ({ ...old, top })); }}>
      <div class="tall" role="rowgroup" style=${{ height: `${tall}px` }}>
        ${places.map((place) => html`<${Row} key=${data.seqAt(place) ?? `p${place}`} row=${data.at(place)} place=${place} height=${height}
          y=${place * height - above + view.top} selected=${data.seqAt(place) === selected} open=${choose} />`)}
      </div>
    </div>
    ${data?.isReady && !count && !data.error && empty(Object.values(filter).some(Boolean))}
  </div>`;
}
