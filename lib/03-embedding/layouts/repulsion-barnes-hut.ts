import type { Repulsion } from './repulsion-exact';

/** Points nearer together than the layout's width / 2^40 share a leaf: equal points cannot be told apart by halving. */
const MAX_DEPTH = 40;

/** A quadtree over points, rebuilt in place at every step; its nodes lie in depth-first order. */
class QuadTree {
  /** Four numbers per node: centre of mass x and y, mass, squared distance from which it counts as one point. */
  nodes = new Float64Array(0);
  /** The first node after a node's subtree: where the walk goes on when the node is not opened. */
  after = new Int32Array(0);
  count = 0;
  /** Which point each place of the tree's own order holds; points next to each other here are near in the plane. */
  order = new Int32Array(0);
  private x = new Float64Array(0);
  private y = new Float64Array(0);

  constructor(private readonly theta: number) {}

  rebuild(x: Float64Array, y: Float64Array): void {
    if (this.x.length !== x.length) {
      this.x = new Float64Array(x.length);
      this.y = new Float64Array(x.length);
      this.order = Int32Array.from(x, (_, i) => i);
    }
    // The last step's order: points hardly move, so that little is left to sort.
    for (let p = 0; p < x.length; p++) {
      this.x[p] = x[this.order[p]];
      this.y[p] = y[this.order[p]];
    }
    const [left, right] = range(x);
    const [bottom, top] = range(y);
    this.count = 0;
    this.append(0, x.length, (left + right) / 2, (bottom + top) / 2, Math.max(right - left, top - bottom) / 2, 0);
  }

  /** Appends the subtree of the points from … to − 1, which lie in the square of half-width `half` around (cx, cy). */
  private append(from: number, to: number, cx: number, cy: number, half: number, depth: number): void {
    const node = this.count++;
    if (node === this.after.length) this.grow();
    const mass = to - from;
    let sx = 0;
    let sy = 0;
    for (let p = from; p < to; p++) {
      sx += this.x[p];
      sy += this.y[p];
    }
    const leaf = mass === 1 || depth === MAX_DEPTH;
    this.nodes[4 * node] = sx / mass;
    this.nodes[4 * node + 1] = sy / mass;
    this.nodes[4 * node + 2] = mass;
    this.nodes[4 * node + 3] = leaf ? -1 : ((2 * half) / this.theta) ** 2;
    if (!leaf) {
      const middle = this.split(this.y, from, to, cy);
      const lower = this.split(this.x, from, middle, cx);
      const upper = this.split(this.x, middle, to, cx);
      const h = half / 2;
      if (lower > from) this.append(from, lower, cx - h, cy - h, h, depth + 1);
      if (middle > lower) this.append(lower, middle, cx + h, cy - h, h, depth + 1);
      if (upper > middle) this.append(middle, upper, cx - h, cy + h, h, depth + 1);
      if (to > upper) this.append(upper, to, cx + h, cy + h, h, depth + 1);
    }
    this.after[node] = this.count;
  }

  /** Moves the points with key ≤ at before the others; returns where the others begin. */
  private split(key: Float64Array, from: number, to: number, at: number): number {
    const { x, y, order } = this;
    let low = from;
    let high = to;
    while (low < high) {
      if (key[low] <= at) {
        low++;
      } else {
        high--;
        const px = x[low];
        const py = y[low];
        const point = order[low];
        x[low] = x[high];
        y[low] = y[high];
        order[low] = order[high];
        x[high] = px;
        y[high] = py;
        order[high] = point;
      }
    }
    return low;
  }

  private grow(): void {
    const capacity = 2 * this.after.length + 256;
    const nodes = new Float64Array(4 * capacity);
    nodes.set(this.nodes);
    this.nodes = nodes;
    const after = new Int32Array(capacity);
    after.set(this.after);
    this.after = after;
  }
}

function range(values: Float64Array): [number, number] {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < min) min = values[i];
    if (values[i] > max) max = values[i];
  }
  return [min, max];
}

/**
 * Barnes-Hut: a group of points far away pushes like one heavy point at its centre of mass. "Far" means that the
 * group's cell is narrower than theta × distance; theta = 0 opens every group and gives the exact sum.
 *
 * Paper: L. van der Maaten, Accelerating t-SNE using tree-based algorithms, JMLR 15 (2014).
 */
export function barnesHutRepulsion(theta = 0.4): Repulsion {
  const tree = new QuadTree(theta);
  return (x, y, fx, fy) => {
    tree.rebuild(x, y);
    const { nodes, after, order, count } = tree;
    let z = 0;
    // In the tree's order: neighbours walk nearly the same way through the tree, which caches and branch predictors like.
    for (let p = 0; p < x.length; p++) {
      const i = order[p];
      const xi = x[i];
      const yi = y[i];
      let sx = 0;
      let sy = 0;
      let node = 0;
      while (node < count) {
        const dx = xi - nodes[4 * node];
        const dy = yi - nodes[4 * node + 1];
        const squared = dx * dx + dy * dy;
        if (squared > nodes[4 * node + 3]) {
          const q = 1 / (1 + squared);
          const mass = nodes[4 * node + 2] * q;
          z += mass;
          sx += mass * q * dx;
          sy += mass * q * dy;
          node = after[node];
        } else {
          node++;
        }
      }
      fx[i] = sx;
      fy[i] = sy;
    }
    return z - x.length; // each point met itself once, with q = 1
  };
}
