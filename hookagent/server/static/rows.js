// The list's data: a window on the store, paged by sequence number, with bounded memory.
//
// Without a filter a row's place is its number: place = newest - seq, so any place can be shown at
// once, however many events there are. With a filter the rows are found one page after the other.
import { ask, query } from './kit.js';

const PAGE = 100;
const KEPT = 4000; // rows in memory; others are read again when they come into view
const REFRESH_MS = 400;

export class Rows {
  constructor(filter, changed) {
    this.filter = filter;
    this.changed = changed;
    this.isFiltered = Object.values(filter).some(Boolean);
    this.rows = new Map(); // by seq, in the order of their use
    this.pages = new Map(); // under way
    this.places = []; // with a filter: the seq at each place
    this.ahead = []; // with a filter: new ones, not yet shown
    this.newest = 0; // shown
    this.latest = 0; // there is
    this.oldest = 1;
    this.hasMore = false;
    this.isReady = false;
    this.error = null;
    this.isLive = true;
    this.ended = false;
  }

  get count() {
    if (this.isFiltered) return this.places.length + (this.hasMore ? 1 : 0);
    return this.newest ? Math.max(this.newest - this.oldest + 1, 0) : 0;
  }

  get fresh() {
    return this.isFiltered ? this.ahead.length : this.latest - this.newest;
  }

  seqAt(place) {
    return this.isFiltered ? this.places[place] : this.newest - place;
  }

  placeOf(seq) {
    return this.isFiltered ? this.places.indexOf(seq) : this.newest - seq;
  }

  at(place) {
    return this.rows.get(this.seqAt(place));
  }

  async page(fields) {
    const said = await ask(`events?${query({ ...this.filter, limit: PAGE, ...fields })}`);
    for (const row of said.events) this.keep(row);
    return said;
  }

  keep(row) {
    this.rows.delete(row.seq);
    this.rows.set(row.seq, row);
    if (this.rows.size > KEPT) {
      for (const seq of this.rows.keys()) {
        this.rows.delete(seq);
        if (this.rows.size <= KEPT * 0.75) break;
      }
    }
  }

  async start() {
    try {
      const said = await this.page(this.isFiltered ? {} : { ends: 1 });
      this.newest = this.latest = said.events[0]?.seq || 0;
      this.oldest = said.oldest ?? 1;
      this.places = said.events.map((row) => row.seq);
      this.hasMore = said.next !== undefined;
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.isReady = true;
    this.tell();
  }

  tell() {
    if (!this.ended) this.changed();
  }

  /** See to it that these places can be shown. */
  need(first, last) {
    if (this.isFiltered) {
      for (let place = first; place <= Math.min(last, this.places.length - 1); place += 1) {
        if (!this.rows.has(this.places[place])) this.load(`p${place}`, { before: this.places[place] + 1 });
      }
      if (last >= this.places.length - 20 && this.hasMore) this.more();
      return;
    }
    const high = Math.floor((this.newest - first) / PAGE);
    const low = Math.floor(Math.max(this.newest - last, this.oldest) / PAGE);
    for (let page = high; page >= low; page -= 1) {
      const from = Math.max(page * PAGE, this.oldest);
      const until = Math.min(page * PAGE + PAGE - 1, this.newest);
      for (let seq = until; seq >= from; seq -= 1) {
        if (this.rows.has(seq)) continue;
        this.load(page, { before: until + 1 }, from);
        break;
      }
    }
  }

  async load(name, fields, from) {
    if (this.pages.has(name)) return;
    this.pages.set(name, true);
    try {
      await this.page(fields);
      for (let seq = from ?? 1; from && seq < fields.before; seq += 1) {
        if (!this.rows.has(seq)) this.keep({ seq, gone: true });
      }
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.pages.delete(name);
    this.tell();
  }

  async more() {
    if (this.pages.has('more')) return;
    this.pages.set('more', true);
    try {
      const said = await this.page({ before: this.places[this.places.length - 1] });
      this.places.push(...said.events.map((row) => row.seq));
      this.hasMore = said.next !== undefined;
    } catch (error) {
      this.error = error;
      this.hasMore = false;
    }
    this.pages.delete('more');
    this.tell();
  }

  /** New events, oldest first. */
  add(rows) {
    this.latest = Math.max(this.latest, rows[rows.length - 1].seq);
    if (this.isFiltered) {
      this.lookAhead();
      return;
    }
    for (const row of rows) this.keep(row);
    if (!this.newest) this.oldest = rows[0].seq;
    if (this.isLive || !this.newest) this.newest = this.latest;
    this.tell();
  }

  /** With a filter only the agent can say which of the new ones belong here. */
  lookAhead() {
    if (this.isLooking) return;
    this.isLooking = true;
    setTimeout(async () => {
      try {
        const top = this.ahead[this.ahead.length - 1] || this.places[0] || 0;
        if (!top) {
          await this.start();
        } else {
          const said = await this.page({ after: top });
          this.ahead.push(...said.events.map((row) => row.seq));
          if (this.isLive) this.show();
        }
      } catch { /* the banner says that the connection is lost */ }
      this.isLooking = false;
      this.tell();
    }, REFRESH_MS);
  }

  /** Show what is new. */
  show() {
    this.newest = this.latest;
    this.places.unshift(...this.ahead.splice(0).reverse());
  }

  /** Some events changed: read the shown ones among them again. */
  refresh(first, last, ids, many) {
    this.stale = this.stale || new Set();
    for (let place = first; place <= last; place += 1) {
      const row = this.at(place);
      if (row && (many || ids.has(row.id))) this.stale.add(row.seq);
    }
    if (!this.stale.size || this.isRefreshing) return;
    this.isRefreshing = true;
    setTimeout(async () => {
      this.isRefreshing = false;
      const before = Math.max(...this.stale) + 1;
      this.stale.clear();
      await this.load('refresh', { before });
    }, REFRESH_MS);
  }
}
