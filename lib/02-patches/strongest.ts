/** A response of one channel: its value, where in the feature map, in which photo. */
export type Entry = { value: number; at: number; index: number };

/** Equal values: the earlier photo, then the earlier position comes first: the order of visits does not matter. */
const weaker = (a: Entry, b: Entry) =>
  a.value < b.value || (a.value === b.value && (a.index > b.index || (a.index === b.index && a.at > b.at)));

/** The k strongest of a stream, weakest first: memory for k entries, whatever the length of the stream. */
export class Strongest {
  private readonly kept: Entry[] = [];
  constructor(private readonly k: number) {}

  offer(value: number, at: number, index: number): void {
    const entry = { value, at, index };
    if (this.kept.length === this.k) {
      if (!weaker(this.kept[0], entry)) return;
      this.kept.shift();
    }
    const place = this.kept.findIndex((e) => weaker(entry, e));
    this.kept.splice(place < 0 ? this.kept.length : place, 0, entry);
  }

  descending(): Entry[] {
    return [...this.kept].reverse();
  }
}
