// Runs: one with its steps, tries and what a person can do; and the page of those that need a person.
import { html, useState, useEffect, ask, clock, duration, many, query, State, SureButton, Trouble } from './kit.js';

const WORDS = { again: 'failed', never: 'failed for good' }; // what a try's outcome is called here
const PAGE = 50;
const PAGE_MAX = 500;
const ON_HOLD = 'on hold: ';
const time = (moment) => new Date(moment).getTime();

function Try({ one, place, before, longest }) {
  const waited = before ? time(one.started_at) - time(before.started_at) - before.ms : 0;
  return html`<li><span class="mono dim">${place + 1}. ${clock(one.started_at)}</span> <span class="took" style=${{ width: `${Math.max((one.ms / longest) * 80, 2)}px` }}></span> ${duration(one.ms)} <span class=${one.outcome === 'done' ? 'good' : 'bad'}>${WORDS[one.outcome] || one.outcome}</span>${waited > 0 && html` <span class="dim">after a wait of ${duration(waited)}</span>`}
    ${one.error && html`<div class="bad mono wrap">${one.error}</div>`}</li>`;
}

/** What a model proposes and a person decides. */
function Question({ run, what, act, isBusy }) {
  const [said, setSaid] = useState('');
  const decide = (word) => act('decide', { said: word }).then((isDone) => isDone && setSaid(word));
  return html`<p class="warn">◷ waits for a person</p><pre class="raw">${JSON.stringify(what, null, 2)}</pre>
    ${said ? html`<p role="status">You said ${said}; the run goes on when it looks again.</p>`
      : html`<div class="bar"><button disabled=${isBusy} onClick=${() => decide('yes')}>Yes, do it</button><button disabled=${isBusy} onClick=${() => decide('no')}>No</button></div>`}`;
}

export function Run({ run, done, link }) {
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const act = async (what, value = {}) => {
    setBusy(true);
    const isDone = await ask(`runs/${run.id}/${what}`, value).then(() => true, (failed) => { setError(failed); });
    if (isDone) setError(null);
    await done();
    setBusy(false);
    return isDone;
  };
  const asked = questionOf(run);
  const isHeld = run.reason?.startsWith(ON_HOLD);
  const longest = Math.max(...run.steps.flatMap((step) => step.attempts.map((one) => one.ms)), 1);
  return html`<section class="run"><h3>${run.rule} <${State} name=${run.state} />
      ${run.state === 'dead' && html`<button disabled=${isBusy} onClick=${() => act('retry')}>${isHeld ? 'Release' : 'Retry'}</button> <button disabled=${isBusy} onClick=${() => act('discard')}>Discard</button>`}</h3>
    <p class="facts dim mono">${link && html`<a href=${`#/events?id=${run.event}&tab=Runs`}>${run.event}</a>`}<span>${run.id}</span>
      <time title=${run.created_at}>${clock(run.created_at)}</time>${run.ended_at && html`<span>${duration(time(run.ended_at) - time(run.created_at))} in all</span>`}</p>
    ${run.reason && html`<p class="bad wrap">${run.reason}</p>`}
    ${isHeld && run.state === 'dead' && html`<p>Look first whether it took effect. <b>Release</b> runs the step again, <b>Discard</b> leaves it.</p>`}
    ${asked ? html`<${Question} run=${run} what=${asked} act=${act} isBusy=${isBusy} />`
      : run.state === 'waiting' && run.due_at && html`<p class="warn">◷ next try ${clock(run.due_at)}, in ${duration(Math.max(time(run.due_at) - Date.now(), 0))}</p>`}
    <${Trouble} error=${error} />
    <ol class="line">${run.steps.map((step) => html`<li class=${step.state}><b>${step.name}</b> ${step.name !== step.action && html`<span class="dim">${step.action}</span>`} <${State} name=${step.state} />
      <ul class="plain">${step.attempts.map((one, place) => html`${place > 0 && place === step.forgiven && html`<li class="dim">tried again by hand</li>`}<${Try} one=${one} place=${place} before=${step.attempts[place - 1]} longest=${longest} />`)}</ul>
      ${step.output != null && html`<details><summary>output</summary><pre class="raw">${JSON.stringify(step.output, null, 2)}</pre></details>`}</li>`)}</ol></section>`;
}

const questionOf = (run) => (run.state === 'waiting' ? run.steps.find((step) => step.state === 'waiting')?.output?.approval?.what : undefined);

function Part({ title, runs, load, children }) {
  return runs.length > 0 && html`<section><h2>${title} ${children}</h2>${runs.map((run) => html`<${Run} key=${run.id} run=${run} done=${load} link />`)}</section>`;
}

export function Runs({ overview }) {
  const [page, setPage] = useState({});
  const [error, setError] = useState(null);
  const runs = page.runs || [];
  const { dead } = overview?.runs || {};
  const load = (more = 0) => ask(`runs?${query({ state: 'dead,waiting', limit: Math.min(Math.max(runs.length, PAGE) + more, PAGE_MAX) })}`)
    .then((found) => { setError(null); setPage(found); }, setError);
  useEffect(() => { load(); }, [overview]);
  const all = (what) => ask(`runs/${what}`, {}).then(() => load(), setError);
  const those = (state, isAsked) => runs.filter((run) => run.state === state && (questionOf(run) !== undefined) === isAsked);
  const again = () => load();
  return html`<main class="page"><h1 class="hidden">Runs</h1><${Trouble} error=${error} />
    <${Part} title="A person is asked" runs=${those('waiting', true)} load=${again} />
    <${Part} title="Dead" runs=${those('dead', false)} load=${again}>${dead > 1 && html`<${SureButton} question=${`Run ${many(dead, 'run')} again, with real actions?`} act=${() => all('retry')}>Retry all<//>
      <${SureButton} question=${`Set ${many(dead, 'run')} aside for good?`} act=${() => all('discard')}>Discard all<//>`}<//>
    <${Part} title="Waiting for the next try" runs=${those('waiting', false)} load=${again} />
    ${page.runs && !runs.length && html`<p class="good">✓ Nothing is dead, nothing waits.</p>`}
    ${page.next && runs.length < PAGE_MAX && html`<button onClick=${() => load(PAGE)}>More</button>`}</main>`;
}
