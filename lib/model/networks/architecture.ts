/** 层的角色（roles）：各章按角色取层，所以同一个单元格能在任何网络上运行。 */
export interface Roles {
  /** 第一个卷积层 */
  readonly firstConv: string;
  /** 最后一个卷积层 */
  readonly lastConv: string;
  /** 最后一个池化层 */
  readonly lastPool: string;
  /** 顶层特征：t-SNE 的输入 */
  readonly features: string;
  /** 类别得分（softmax 之前）；只有卷积部分的 AlexNet 为 undefined */
  readonly logits: string | undefined;
  /** 由浅到深的五层 */
  readonly stages: readonly [string, string, string, string, string];
}

/** 预处理（preprocessing）：网络的输入 = (255·x − mean)·scale，x 是 [0, 1] 的 RGB；scale 是一个数，或 R、G、B 各一个。 */
export interface Preprocess {
  readonly mean: readonly [number, number, number];
  readonly scale: number | readonly [number, number, number];
}

/** What a network's file under networks/ states about it; the layers themselves come from its build function. */
export interface Architecture {
  readonly id: string;
  readonly title: string;
  /** Side of the square input, pixels. */
  readonly inputSize: number;
  readonly preprocess: Preprocess;
  readonly roles: Roles;
  /** The layer whose spatial mean is the class score BEFORE the last ReLU, where that differs from the logits. */
  readonly scoreMap?: string;
}
