// The page: where the reader is (kept in the address), the keys, and the parts that are shown.
import { html, render, useState, useEffect, useLayoutEffect, useRef, ask, copy, query, store, CopyButton } from './kit.js';
import { EventList, Filters, FILTERS, isRefused } from './list.js';
import { EventView, TABS } from './event.js';
import { Overview, refusedLately } from './overview.js';
import { Runs } from './runs.js';
import { Refusals, Refusal } from './refused.js';
import { Replay, Export, Diff, Craft, MakeRule, Help } from './dialogs.js';
import { connect, listen, live } from './live.js';

const OVERVIEW_MS = { overview: 5000, runs: 5000 };
const SELDOM_MS = 20000;
const REFUSED = 'rej_';
const BADGE_MAX = 99;
const SHOWN = 8; // addresses while there is no event
const THEMES = ['system', 'dark', 'light'];

function readPlace() {
  const [path, search] = location.hash.replace(/^#\/?/, '').split('?');
  const fields = Object.fromEntries(new URLSearchParams(search || ''));
  return path === 'refused' ? { view: 'events', verdict: 'refused', ...fields } : { view: path || 'events', ...fields };
}

function usePlace() {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const moved = () => setPlace(readPlace());
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  const go = (changes, isStep) => {
    const { view, ...fields } = { ...readPlace(), ...changes };
    const hash = `#/${view}?${query(fields)}`.replace(/\?$/, '');
    if (isStep) history.replaceState(null, '', hash);
    else history.pushState(null, '', hash);
    setPlace(readPlace());
  };
  return [place, go];
}

function useOverview(view) {
  const [found, setFound] = useState({});
  useEffect(() => {
    let due = 0;
    const load = () => ask('overview').then((overview) => setFound({ overview }), (error) => setFound((old) => ({ ...old, error })));
    load();
    const timer = setInterval(() => !document.hidden && load(), OVERVIEW_MS[view] || SELDOM_MS);
    const end = listen((kind, value) => {
      if (kind !== 'up' && !(kind === 'happening' && ['ran', 'tunnel', 'rules', 'delivered'].includes(value.event))) return;
      due ||= setTimeout(() => { due = 0; load(); }, 300);
    });
    return () => { clearInterval(timer); clearTimeout(due); end(); };
  }, [view]);
  return found;
}

function useConnection() {
  const [state, setState] = useState('');
  useEffect(() => {
    connect();
    return listen((kind) => {
      if (kind === 'up') setState('');
      if (kind === 'down') setState(live.isKnown ? 'Connection lost. Trying again…' : 'The agent was started anew: open the address it printed.');
    });
  }, []);
  return state;
}

const Empty = ({ isFiltered, overview, act }) => {
  const sources = overview?.sources || [];
  const refused = refusedLately(overview);
  if (isFiltered) return html`<div class="empty"><p>No event passes the filter.</p>
    ${refused > 0 && html`<p class="dim">What was refused is no event: <a href="#/refused">see Refused</a></p>`}</div>`;
  const command = `hookagent sign --source ${sources[0]?.name} --data '{"hello": "world"}' --send`;
  return html`<div class="empty"><h2>Waiting for the first event</h2>
    ${refused > 0 && html`<p class="warn">In the last hour ${refused === 1 ? 'a delivery came and was' : `${refused.toLocaleString()} deliveries came and were`} refused: <a href="#/refused">see why</a></p>`}
    ${sources.length ? html`<p>Send one from a terminal:</p><div class="copied"><pre class="raw">${command}</pre><${CopyButton} text=${command} label="Copy the command" /></div>
      <p><button class="main" onClick=${() => act('craft')}>or send one from here</button></p>
      <p class="dim">Providers send to</p>
      <ul class="copied">${sources.slice(0, SHOWN).map((one) => html`<li><b>${one.name}</b><code>${one.public || one.url}</code><${CopyButton} text=${one.public || one.url} label=${`Copy the address of ${one.name}`} /></li>`)}</ul>
      ${sources.length > SHOWN && html`<p><a href="#/overview">and ${sources.length - SHOWN} more</a></p>`}
      ${!sources.some((one) => one.public) && html`<p class="dim">Only this machine reaches that. For an address of the outside: <code>hookagent serve --tunnel ngrok</code></p>`}`
      : html`<p>There is no source yet: <code>hookagent init</code> writes one.</p>
        ${overview && html`<p>With <code>hookagent forward</code> it needs none:</p><pre class="raw">curl ${overview.listener} --json '{"hello": "world"}'</pre>`}`}</div>`;
};

const VIEWS = [['events', 'Events'], ['overview', 'Overview'], ['runs', 'Runs'], ['refused', 'Refused']];

function App() {
  const [place, go] = usePlace();
  const { overview, error } = useOverview(place.view);
  const lost = useConnection();
  const [dialog, setDialog] = useState(null);
  const [isPaused, setPaused] = useState(false);
  const [theme, setTheme] = useState(store.get('theme', 'system'));
  const [areKeysOn, setKeysOn] = useState(store.get('keys', 'on') === 'on');
  const [selected, setSelected] = useState(0);
  const event = useRef(null);
  const list = useRef({});
  const tab = TABS.includes(place.tab) ? place.tab : 'Body';
  const refused = place.view === 'events' && isRefused(place.verdict);
  const here = refused ? 'refused' : place.view;
  const filter = Object.fromEntries(FILTERS.map((name) => [name, place[name] || '']));

  useEffect(() => { document.documentElement.dataset.theme = theme; store.set('theme', theme); }, [theme]);
  useEffect(() => store.set('keys', areKeysOn ? 'on' : 'off'), [areKeysOn]);
  useLayoutEffect(() => { setDialog(null); if (!place.id) { event.current = null; setSelected(0); } }, [place.view, place.id]);

  const open = (row, isStep) => { setSelected(row.seq); go({ id: row.id }, isStep && place.id); };
  const back = () => { go({ id: '', tab: '' }); setTimeout(() => list.current.focus?.()); };
  const act = (name, other) => {
    const isOf = ['diff', 'rule'].includes(name) ? event.current && !event.current.id.startsWith(REFUSED) : event.current;
    if (isOf || ['craft', 'try', 'help'].includes(name)) setDialog({ name, other, event: event.current });
  };
  const nextTheme = () => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
  const keys = {
    j: () => list.current.move(1), k: () => list.current.move(-1), ArrowDown: () => list.current.move(1), ArrowUp: () => list.current.move(-1),
    g: () => list.current.first(), G: () => list.current.last(), Home: () => list.current.first(), End: () => list.current.last(),
    PageDown: () => list.current.page(1), PageUp: () => list.current.page(-1),
    Enter: () => document.getElementById('panel')?.focus(), Escape: () => place.id && back(),
    r: () => act('replay'), e: () => act('edit'), c: () => act('export'), d: () => act('diff'), m: () => act('rule'), n: () => act('craft'),
    y: () => event.current && copy(event.current.body ?? event.current.body_b64),
    p: () => (isPaused ? (setPaused(false), list.current.resume?.()) : setPaused(true)), '/': () => document.getElementById('search')?.focus(),
    o: () => go({ view: 'overview', id: '' }), l: () => go({ view: 'events', ...(refused && { verdict: '', id: '' }) }), x: () => go({ view: 'runs', id: '' }), f: () => go({ view: 'events', verdict: 'refused', id: '' }), t: nextTheme, '?': () => act('help'),
  };
  TABS.forEach((name, place_) => { keys[place_ + 1] = () => place.id && go({ tab: name }, true); });
  const onKey = useRef();
  onKey.current = (pressed) => {
    const { target, key } = pressed;
    if (pressed.ctrlKey || pressed.metaKey || pressed.altKey || document.querySelector('dialog[open]')) return;
    if (target.closest('input, textarea, select')) {
      if (key === 'Escape') target.blur();
      return;
    }
    if (key.length === 1 && !areKeysOn && key !== '?') return;
    if (key.length > 1 && key !== 'Escape' && !(target === document.body || target.closest('.grid'))) return;
    if (place.view !== 'events' && !'olxftn?'.includes(key)) return;
    const action = keys[key];
    if (!action) return;
    pressed.preventDefault();
    action();
  };
  useEffect(() => {
    const pressed = (e) => onKey.current(e);
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);

  const close = () => setDialog((now) => (now === dialog ? null : now)); // a late close is not the next one's
  const shown = dialog && {
    replay: () => html`<${Replay} event=${dialog.event} close=${close} />`,
    edit: () => html`<${Replay} event=${dialog.event} isEdit close=${close} />`,
    export: () => html`<${Export} event=${dialog.event} close=${close} />`,
    diff: () => html`<${Diff} event=${dialog.event} other=${dialog.other} close=${close} />`,
    rule: () => html`<${MakeRule} event=${dialog.event} close=${close} />`,
    try: () => html`<${MakeRule} close=${close} />`,
    craft: () => html`<${Craft} sources=${overview?.sources || []} close=${close} />`,
    help: () => html`<${Help} close=${close} areOn=${areKeysOn} setOn=${setKeysOn} />`,
  }[dialog.name]();
  const badges = { runs: [overview?.runs.dead, 'dead'], refused: [refusedLately(overview), 'refused in the last hour'] };
  const badge = ([count, what]) => count > 0 && html` <span class=${`badge ${what === 'dead' ? '' : 'mild'}`} title=${`${count.toLocaleString()} ${what}`}>${count > BADGE_MAX ? `${BADGE_MAX}+` : count}<span class="hidden"> ${what}</span></span>`;
  return html`<a class="skip" href="#main">Skip to the content</a>
    <header class="top"><b class="name">hookagent</b>
      <nav aria-label="Views">${VIEWS.map(([name, title]) => html`<a href=${`#/${name}`} aria-current=${here === name ? 'page' : undefined}>${title}${badges[name] && badge(badges[name])}</a>`)}</nav>
      <span class="grow"></span>
      ${overview && html`<span class="version dim">${overview.version}</span>`}
      ${place.view === 'events' && html`<button aria-pressed=${isPaused} onClick=${keys.p}>${isPaused ? '▸' : '●'} <span class="word">${isPaused ? 'Paused' : 'Live'}</span></button>`}
      <button class="icon" onClick=${nextTheme} aria-label=${`Theme: ${theme}`} title=${`Theme: ${theme}`}>${{ system: '◐', dark: '☾', light: '☀' }[theme]}</button>
      <button class="icon" onClick=${() => act('help')} aria-label="Keys">?</button></header>
    <div class="lost" role="status" aria-live="polite">${lost}</div>
    <div id="main" tabindex="-1">${place.view === 'overview' ? html`<${Overview} overview=${overview} error=${error} act=${act} />`
      : place.view === 'runs' ? html`<${Runs} overview=${overview} />`
        : html`<main class=${`split ${place.id ? 'has-detail' : ''}`}><h1 class="hidden">${refused ? 'Refused deliveries' : 'Events'}</h1>
          <div class="side"><${Filters} filter=${filter} set=${(changes) => go({ ...changes, id: '' }, true)} overview=${overview} />
            ${refused ? html`<${Refusals} filter=${filter} id=${place.id} open=${(id) => go({ id }, place.id)} isPaused=${isPaused} control=${list} />`
              : html`<${EventList} filter=${filter} selected=${selected} open=${open} isPaused=${isPaused} setPaused=${setPaused} control=${list}
                empty=${(isFiltered) => html`<${Empty} isFiltered=${isFiltered} overview=${overview} act=${act} />`} />`}</div>
          ${place.id && (place.id.startsWith(REFUSED) ? html`<${Refusal} key=${place.id} id=${place.id} close=${back} act=${act} said=${(found) => { event.current = found; }} />`
            : html`<${EventView} id=${place.id} tab=${tab} setTab=${(name) => go({ tab: name }, true)} act=${act} close=${back}
              said=${(found) => { event.current = found; setSelected(found.seq); }} />`)}</main>`}</div>
    ${shown}`;
}

render(html`<${App} />`, document.getElementById('page'));
