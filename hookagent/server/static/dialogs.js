// What can be done: replay, copy, compare, craft, make a rule; and the sheet of keys.
import { html, useState, useEffect, ask, many, query, readJson, useAsked, Area, Check, Choice, CopyButton, Dialog, Toggles, Trouble } from './kit.js';
import { Tree } from './body.js';
import { Explained } from './event.js';

const Sent = ({ sent }) => sent && html`<p class=${sent.status < 400 ? 'good' : 'bad'} role="status">${sent.status < 400 ? '✓' : '✗'} ${sent.status} in ${Math.round(sent.ms)} ms
  ${sent.event ? html` <a href=${`#/events?id=${sent.event}`}>${sent.event}</a>` : html`<code>${sent.body.slice(0, 300)}</code>`}${sent.note && html`<br /><span class="warn">${sent.note}</span>`}</p>`;

/** A button's work: what came of it or went wrong, and whether it is under way. */
function useDoing() {
  const [state, setState] = useState({});
  const run = async (work) => {
    setState({ busy: true });
    try { setState({ value: await work() }); } catch (error) { setState({ error }); }
  };
  return { ...state, run };
}

const lines = (headers) => headers.map(([name, value]) => `${name}: ${value}`).join('\n');
const fields = (text) => text.split('\n').filter((line) => line.trim()).map((line) => {
  const at = line.indexOf(':');
  return at < 0 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
});
const pretty = (text) => {
  const value = readJson(text);
  try {
    return value === undefined ? text : JSON.stringify(value, null, 2);
  } catch {
    return text; // this browser cannot write every number as it was
  }
};

export function Replay({ event, isEdit, close }) {
  const before = pretty(event.body ?? '');
  const [body, setBody] = useState(before);
  const [headers, setHeaders] = useState(lines(event.headers));
  const [sign, setSign] = useState(true);
  const [to, setTo] = useState('listener');
  const targets = useAsked('targets').value?.targets || ['listener'];
  const doing = useDoing();
  const send = () => doing.run(() => ask(`events/${event.id}/replay`, {
    sign, to,
    ...(body !== before && { body }),
    ...(headers !== lines(event.headers) && { headers: fields(headers) }),
  }));
  const isRefused = event.id.startsWith('rej_');
  const isWrong = body !== before && (event.body_info.media || '').includes('json') && readJson(body) === undefined;
  return html`<${Dialog} title=${`${isEdit ? 'Edit and replay' : 'Replay'}: ${event.source} ${event.type || ''}`} close=${close} wide=${isEdit}>
    ${isEdit && event.body !== undefined && html`<${Area} label="Body" rows="12" value=${body} set=${setBody} />
      ${isWrong && html`<p class="warn">This is not JSON.</p>`}`}
    ${isEdit && html`<${Area} label="Headers" rows="5" value=${headers} set=${setHeaders} />`}
    <${Check} label="Sign afresh, with the time of now" value=${sign} set=${setSign} />
    <${Choice} label="To" value=${to} set=${setTo} options=${targets.map((name) => [name, name === 'listener' ? 'this listener' : name])} />
    ${isRefused && sign && html`<p class="warn">It was refused. Signed afresh it counts as genuine: be sure who sent it.</p>`}
    <p class="dim">${to === 'listener' ? 'It arrives as a new event, and its rules act on it as on any other.' : 'It goes there alone; no rule of this agent sees it.'}</p>
    <div class="bar"><button class="main" autofocus disabled=${doing.busy} onClick=${send}>Send</button></div>
    <${Trouble} error=${doing.error} /><${Sent} sent=${doing.value} />
  <//>`;
}

const FORMS = ['curl', 'httpie', 'python', 'replay', 'json', 'har', 'pytest'];

export function Export({ event, close }) {
  const [form, setForm] = useState('curl');
  const { value, error } = useAsked(`events/${event.id}/export/${form}`);
  return html`<${Dialog} title="Copy as" close=${close} wide>
    <${Toggles} label="Form" names=${FORMS} chosen=${form} set=${setForm} />
    <textarea class="mono" rows="14" readonly aria-label="Text" value=${value?.text || ''}></textarea><${Trouble} error=${error} />
    <div class="bar"><${CopyButton} text=${value?.text || ''} main />
      <a class="button" href=${`/api/events/${event.id}/export/${form}?download=1`} download>Download</a></div>
  <//>`;
}

const ABSENT = '-';

export function Diff({ event, other, close }) {
  const [id, setId] = useState(other || '');
  const near = useAsked(other ? '' : `events?${query({ source: event.source, type: event.type, limit: 2, before: event.seq })}`);
  const chosen = id || near.value?.events[0]?.id || '';
  const { value, error } = useAsked(chosen && `diff?${query({ a: chosen, b: event.id })}`);
  const [isEvery, setEvery] = useState(false);
  const shown = value?.differences.filter((one) => isEvery || !one.volatile);
  const aside = value?.differences.filter((one) => one.volatile).length;
  return html`<${Dialog} title="Diff" close=${close} wide>
    <label>Before<input class="mono" value=${chosen} placeholder="evt_…" onChange=${(e) => setId(e.target.value.trim())} /></label>
    <p class="dim mono">After: ${event.id}</p>
    ${aside > 0 && html`<${Check} label=${`Also what differs every time: ids, times (${aside})`} value=${isEvery} set=${setEvery} />`}
    <${Trouble} error=${error} />
    ${near.value && !chosen && html`<p>There is no earlier event of this type; give an id.</p>`}
    ${value && (shown.length ? html`<p>${many(shown.length, 'difference')}</p><table class="diff"><thead><tr><th>Path</th><th>Before</th><th>After</th></tr></thead><tbody>${shown.map((one) => html`<tr>
      <th scope="row" class="mono">${one.path}</th>${[['bad', one.before], ['good', one.after]].map(([kind, text]) => html`<td class=${`mono wrap ${text === ABSENT ? 'dim' : kind}`}>${text === ABSENT ? 'absent' : text}</td>`)}</tr>`)}</tbody></table>` : html`<p class="good">✓ They are the same${aside ? ' but for what differs every time' : ''}.</p>`)}
  <//>`;
}

export function Craft({ sources, close }) {
  const [name, setName] = useState(sources[0]?.name);
  const [type, setType] = useState('');
  const [body, setBody] = useState('{}');
  const types = useAsked(name && `sources/${name}/samples`).value?.types || [];
  const doing = useDoing();
  const sample = useAsked(name && type && `sources/${name}/samples?${query({ type })}`).value;
  useEffect(() => { if (types.length) setType(types[0]); }, [types[0]]);
  useEffect(() => { if (sample) setBody(pretty(sample.body)); }, [sample]);
  if (!name) return html`<${Dialog} title="Send a signed event" close=${close}><p class="warn">There is no source to sign for: <code>hookagent init</code> writes one.</p><//>`;
  const make = (send) => doing.run(() => ask(`sources/${name}/craft`, { type, body, send }));
  return html`<${Dialog} title="Send a signed event" close=${close} wide>
    <${Choice} label="Source" value=${name} set=${(wanted) => { setName(wanted); setType(''); setBody('{}'); }} options=${sources.map((one) => one.name)} />
    ${types.length > 0 && html`<${Choice} label="Sample" value=${type} set=${setType} options=${[['', 'none'], ...types]} />`}
    <${Area} label="Body" rows="12" value=${body} set=${setBody} />
    <div class="bar"><button class="main" autofocus disabled=${doing.busy} onClick=${() => make(true)}>Sign and send</button><button onClick=${() => make(false)}>Show as curl</button></div>
    ${type && html`<p class="dim">It is sent with the headers that go with the sample.</p>`}
    <${Trouble} error=${doing.error} /><${Sent} sent=${doing.value?.sent} />
    ${doing.value && !doing.value.sent && html`<pre class="raw">${doing.value.curl}</pre><div class="bar"><${CopyButton} text=${doing.value.curl} /></div>`}
  <//>`;
}

const START = '[rule.my-rule]\non = "*"\n\n[[rule.my-rule.do]]\naction = "log"\ntext = "{{ @source }} {{ @id }}"\n';

/** A rule as text: from an event's fields, or from nothing; tried against the past, then saved. */
export function MakeRule({ event, close }) {
  const [chosen, setChosen] = useState(new Set());
  const [text, setText] = useState(event ? '' : START);
  const [tried, setTried] = useState('');
  const doing = useDoing();
  const saving = useDoing();
  const value = event && readJson(event.body ?? '');
  useEffect(() => {
    if (event) ask('rules/draft', { event: event.id, fields: [...chosen] }).then((made) => setText(made.text.replace(/^(#.*\n)+/, '')), (error) => doing.run(() => { throw error; }));
  }, [chosen]);
  const toggle = (path) => setChosen((old) => {
    const next = new Set(old);
    if (!next.delete(path)) next.add(path);
    return next;
  });
  const attempt = () => doing.run(async () => {
    const found = await ask('rules/try', { text, ...(event && { event: event.id }) });
    setTried(text);
    return found;
  });
  const name = text.match(/\[rule\."?([\w.-]+?)"?\]/)?.[1] || 'rule';
  const found = doing.value;
  return html`<${Dialog} title=${event ? 'Make a rule from this event' : 'Try a rule'} close=${close} wide>
    ${value !== undefined && value !== null && html`<p>Which values must an event have for the rule to fire?</p><div class="box"><${Tree} value=${value} pick=${{ chosen, toggle }} /></div>`}
    <${Area} label="Rule" rows="12" value=${text} set=${setText} />
    <div class="bar"><button class="main" disabled=${doing.busy} onClick=${attempt}>Try on stored events</button>
      <button disabled=${saving.busy || tried !== text} title=${tried === text ? '' : 'Try it first'} onClick=${() => saving.run(() => ask('rules/save', { name, text }))}>Save</button>
      <${CopyButton} text=${text} /></div>
    <${Trouble} error=${doing.error} /><${Trouble} error=${saving.error} />
    ${saving.value && html`<p class="good" role="status">✓ Saved as ${saving.value.file}</p>`}
    ${found && html`<div role="status">${found.rules.map((one) => html`<p><b>${one.rule}</b> would have fired <b>${many(one.fired, 'time')}</b> for the latest ${many(found.events, 'event')}. ${one.latest.slice(0, 5).map((id) => html`<a class="mono" href=${`#/events?id=${id}`}>${id}</a> `)}</p>`)}
      ${found.cases.map((one) => html`<p class=${one.passed ? 'good' : 'bad'}>${one.passed ? '✓ its test passes' : `✗ ${one.problems.join('; ')}`}</p>`)}</div>
      ${found.explained.map((one) => html`<${Explained} one=${one} end=${['✓', 'would fire for this event']} />`)}`}
  <//>`;
}

const KEYS = [
  ['j k ↓ ↑', 'next, previous event'], ['g G', 'newest, oldest'], ['Enter', 'into the event'], ['Esc', 'back, close'],
  ['1 … 6', 'tabs of an event'], ['r', 'replay'], ['e', 'edit and replay'], ['c', 'copy as…'], ['y', 'copy the body'],
  ['d', 'diff with the one before'], ['m', 'make a rule'], ['n', 'send a new event'], ['p', 'pause, go on live'],
  ['/', 'search'], ['o', 'overview'], ['l', 'list of events'], ['x', 'runs'], ['f', 'refused deliveries'], ['t', 'dark, light, system'], ['?', 'this sheet'],
];

export function Help({ close, areOn, setOn }) {
  return html`<${Dialog} title="Keys" close=${close}>
    <dl class="keys">${KEYS.map(([key, what]) => html`<dt>${key.split(' ').map((one) => html`<kbd>${one}</kbd> `)}</dt><dd>${what}</dd>`)}</dl>
    <${Check} label="Single-letter keys" value=${areOn} set=${setOn} />
  <//>`;
}
