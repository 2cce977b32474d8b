/** What a full-size result is made by. One file per record in this folder, `export const recipe: Recipe = { ... }`. */
export type Numbers = number | readonly number[] | { readonly [name: string]: Numbers };

export interface RecordResult {
  /** What is compared when the record is made again. */
  readonly numbers: Numbers;
  /** PNG files: the key '' gives NAME.png, any other key NAME-KEY.png. */
  readonly images: Readonly<Record<string, Uint8Array>>;
}

export interface Recipe {
  /** The file's name without its ending. */
  readonly name: string;
  readonly title: string;
  /** Everything a reader needs to make it again, as plain JSON. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Relative tolerance of the numbers; backends and processors round differently. Default 0.05. */
  readonly tolerance?: number;
  /** Absolute bounds by name, for numbers with a scale of their own, such as correlations. */
  readonly absolute?: Readonly<Record<string, number>>;
  run(settings: Readonly<Record<string, unknown>>, seed: number): Promise<RecordResult>;
}
