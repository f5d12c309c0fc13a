// One stream of what happens, told to whoever listens; resumes by itself after a break.
const listeners = new Set();
let rows = [];
let isDue = false;

export const live = { isUp: false, isKnown: true };

export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const tell = (kind, value) => listeners.forEach((listener) => listener(kind, value));

/** New rows come in bursts: one update of the page for each frame is enough. */
function flush() {
  isDue = false;
  const news = rows;
  rows = [];
  tell('rows', news);
}

function later() {
  if (isDue) return;
  isDue = true;
  if (document.hidden) setTimeout(flush, 500);
  else requestAnimationFrame(flush);
}

export function connect() {
  const source = new EventSource('/api/live');
  source.addEventListener('hello', () => {
    Object.assign(live, { isUp: true, isKnown: true });
    tell('up');
  });
  source.addEventListener('row', (event) => {
    rows.push(JSON.parse(event.data));
    later();
  });
  source.addEventListener('changed', (event) => tell('changed', JSON.parse(event.data)));
  source.addEventListener('happening', (event) => tell('happening', JSON.parse(event.data)));
  source.addEventListener('reset', () => {
    rows = [];
    tell('reset');
  });
  source.onerror = async () => {
    live.isUp = false;
    if (source.readyState === EventSource.CLOSED) {
      source.close();
      try {
        live.isKnown = (await fetch('/api/targets')).status !== 401;
      } catch { /* still away */ }
      if (live.isKnown) setTimeout(connect, 2000);
    }
    tell('down');
  };
}
