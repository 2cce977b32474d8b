export { setSink, emit, type DisplayBundle, type Sink } from './sink';
export { showImage, type ShowImageOptions, type ImageScale } from './image';
export { showGrid, type ShowGridOptions, type GridImages, type GridScale } from './grid';
export { showHeatmap, showHeatmaps, type HeatmapOptions, type HeatmapsOptions } from './heatmap';
export { showPlot, type Figure, type Trace, type ShowPlotOptions } from './plot';
export { showTable, type ShowTableOptions, type Cell } from './table';
export { progress, type Progress } from './progress';
export { claim, CLAIM_MIME, type ClaimOptions, type Measurement } from './claim';
export { colorAt, PALETTE, plotlyColorscale, type ColormapName, type Rgb } from './colormap';
