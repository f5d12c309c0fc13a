// The list's data: a window on the store, paged by sequence number, with bounded memory.
//
// Without a filter the store is seen as blocks of a hundred numbers. A block that was not read yet
// is taken to be as full as the others, so that any place can be shown at once, however many events
// there are. With a filter, rows are found one page after the other.
import { ask, query } from './kit.js';

const PAGE = 100;
const KEPT = 4000; // rows in memory; others are read again when they come into view
const AHEAD_MAX = 2000; // with more new ones the list is read anew
const REFRESH_MS = 400;

class Rows {
  constructor(filter, changed) {
    this.filter = filter;
    this.changed = changed;
    this.rows = new Map(); // by seq, in the order of their use
    this.busy = new Set();
    this.ahead = []; // new ones, oldest first, not yet shown
    this.shift = 0; // places by which what is in view moved
    this.anchor = 0; // a seq in view
    this.stale = new Set();
    this.isReady = false;
    this.isLive = true;
    this.error = null;
  }

  get fresh() { return this.ahead.length; }

  at(place) { return this.rows.get(this.seqAt(place)); }

  async page(fields) {
    const said = await ask(`events?${query({ ...this.filter, limit: PAGE, ...fields })}`);
    for (const row of said.events) this.keep(row);
    return said;
  }

  keep(row) {
    this.rows.delete(row.seq);
    this.rows.set(row.seq, row);
    if (this.rows.size <= KEPT) return;
    for (const seq of this.rows.keys()) {
      this.rows.delete(seq);
      if (this.rows.size <= KEPT * 0.75) break;
    }
  }

  tell() { if (!this.ended) this.changed(); }

  /** Do one piece of reading at a time under a name. */
  async once(name, work) {
    if (this.busy.has(name)) return;
    this.busy.add(name);
    const before = this.placeOf(this.anchor);
    try {
      await work();
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.busy.delete(name);
    const after = this.placeOf(this.anchor);
    if (before > 0 && after > 0) this.shift += after - before;
    this.tell();
  }

  async start() {
    await this.once('start', () => this.begin());
    this.isReady = true;
    this.tell();
  }

  /** Show what is new, or have the list read anew when it is too much. */
  show() {
    if (this.ahead.length > AHEAD_MAX) return false;
    const news = this.ahead;
    this.ahead = [];
    this.put(news);
    return true;
  }

  /** Some events changed: read the shown ones among them again. */
  refresh(first, last, ids, many) {
    for (let place = first; place <= last; place += 1) {
      const row = this.at(place);
      if (row && (many || ids.has(row.id))) this.stale.add(row.seq);
    }
    if (!this.stale.size || this.isRefreshing) return;
    this.isRefreshing = true;
    setTimeout(() => {
      this.isRefreshing = false;
      const before = Math.max(...this.stale) + 1;
      this.stale.clear();
      this.once('refresh', () => this.page({ before }));
    }, REFRESH_MS);
  }
}

const blockOf = (seq) => Math.floor(seq / PAGE);

class All extends Rows {
  constructor(filter, changed) {
    super(filter, changed);
    this.blocks = new Map(); // the numbers in each block that was read, newest first
    this.forget();
  }

  async begin() {
    const said = await this.page({ ends: 1 });
    this.newest = said.events[0]?.seq || 0;
    this.oldest = said.oldest || this.newest;
    if (this.newest) this.read(blockOf(this.newest), said.events);
  }

  forget() { this.starts = null; }

  read(block, rows) {
    const low = block * PAGE;
    this.blocks.set(block, rows.map((row) => row.seq).filter((seq) => seq >= low && seq <= this.newest));
    this.forget();
  }

  /** Where each block starts, newest first; worked out when it is asked for. */
  index() {
    if (this.starts) return this.starts;
    this.starts = [0];
    if (!this.newest) return this.starts;
    let full = 0;
    for (const seqs of this.blocks.values()) full += seqs.length;
    const inner = Math.max(this.blocks.size - 1, 1);
    const usual = this.blocks.size > 1 ? Math.min(Math.max(Math.round(full / inner), 1), PAGE) : PAGE;
    let place = 0;
    for (let block = blockOf(this.newest); block >= blockOf(this.oldest); block -= 1) {
      place += this.blocks.get(block)?.length ?? Math.min(usual, block * PAGE + PAGE - Math.max(this.oldest, block * PAGE));
      this.starts.push(place);
    }
    return this.starts;
  }

  get count() { return this.index()[this.index().length - 1]; }

  /** Which block, counted from the newest, holds a place. */
  find(place) {
    const starts = this.index();
    let low = 0;
    let high = starts.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  seqAt(place) {
    if (place < 0 || place >= this.count) return undefined;
    const nth = this.find(place);
    return this.blocks.get(blockOf(this.newest) - nth)?.[place - this.index()[nth]];
  }

  placeOf(seq) {
    if (!seq || !this.newest) return -1;
    const block = blockOf(seq);
    const within = this.blocks.get(block)?.indexOf(seq) ?? -1;
    return within < 0 ? -1 : this.index()[blockOf(this.newest) - block] + within;
  }

  need(first, last) {
    const top = blockOf(this.newest);
    for (let nth = this.find(first); nth <= this.find(last); nth += 1) this.fetch(top - nth);
  }

  /** Have a number's row read, wherever it is. */
  reach(seq) { if (seq <= this.newest && seq >= this.oldest) this.fetch(blockOf(seq)); }

  fetch(block) {
    const seqs = this.blocks.get(block);
    if (seqs && seqs.every((seq) => this.rows.has(seq))) return;
    this.once(block, async () => {
      const said = await this.page({ before: Math.min(block * PAGE + PAGE, this.newest + 1) });
      this.read(block, said.events);
    });
  }

  add(rows) {
    for (const row of rows) this.keep(row);
    this.ahead.push(...rows.map((row) => row.seq));
    if ((this.isLive || !this.newest) && !this.show()) return false;
    this.tell();
    return true;
  }

  put(seqs) {
    for (const seq of seqs) {
      if (seq <= this.newest) continue;
      if (!this.newest) this.oldest = seq;
      const block = blockOf(seq);
      for (let skipped = blockOf(this.newest) + 1; this.newest && skipped < block; skipped += 1) this.blocks.set(skipped, []);
      if (!this.blocks.has(block)) this.blocks.set(block, []);
      this.blocks.get(block).unshift(seq);
      this.newest = seq;
    }
    this.forget();
  }
}

class Some extends Rows {
  constructor(filter, changed) {
    super(filter, changed);
    this.places = [];
    this.hasMore = false;
  }

  async begin() {
    const said = await this.page({});
    this.places = said.events.map((row) => row.seq);
    this.hasMore = said.next !== undefined;
  }

  get count() { return this.places.length + (this.hasMore ? 1 : 0); }

  seqAt(place) { return this.places[place]; }

  /** With a filter it may not be among them at all. */
  reach() {}

  placeOf(seq) { return this.places.indexOf(seq); }

  need(first, last) {
    const missing = this.places.slice(first, last + 1).find((seq) => !this.rows.has(seq));
    if (missing) this.once('again', () => this.page({ before: missing + 1 }));
    if (!this.hasMore || last < this.places.length - 20) return;
    this.once('more', async () => {
      const said = await this.page({ before: this.places[this.places.length - 1] });
      this.places.push(...said.events.map((row) => row.seq));
      this.hasMore = said.next !== undefined;
    });
  }

  /** Only the agent can say which of the new ones belong here. */
  add() {
    if (this.isLooking) return true;
    this.isLooking = true;
    setTimeout(() => {
      this.isLooking = false;
      this.once('ahead', async () => {
        const top = this.ahead[this.ahead.length - 1] || this.places[0];
        if (!top) {
          await this.begin();
          return;
        }
        const said = await this.page({ after: top });
        this.ahead.push(...said.events.map((row) => row.seq));
        if (this.isLive) this.show();
      });
    }, REFRESH_MS);
    return true;
  }

  put(seqs) { this.places.unshift(...seqs.reverse()); }
}

export const rowsOf = (filter, changed) => (Object.values(filter).some(Boolean) ? new Some(filter, changed) : new All(filter, changed));
