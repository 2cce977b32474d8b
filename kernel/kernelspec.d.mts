export declare const KERNEL_NAME: string;
export declare function kernelspec(
  node?: string,
  env?: Record<string, string>,
): Record<string, unknown> & { argv: string[]; env: Record<string, string> };
export declare function installKernelspec(
  prefix: string,
  options?: { node?: string; env?: Record<string, string> },
): string;
