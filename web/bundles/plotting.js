export {bin, extent, max, ticks} from "d3-array";
export {format} from "d3-format";
export {geoPath, geoGraticule10, geoOrthographic} from "d3-geo";
export {geoMollweide} from "d3-geo-projection";
export {scaleLinear, scaleLog, scaleSequential, scaleSequentialLog} from "d3-scale";
export {tableFromIPC} from "@uwdata/flechette";
