export {extent, max} from "d3-array";
export {format} from "d3-format";
export {geoAzimuthalEqualArea, geoDistance, geoGraticule, geoPath} from "d3-geo";
export {geoMollweide} from "d3-geo-projection";
export {scaleLinear, scaleLog} from "d3-scale";
export {tableFromIPC} from "@uwdata/flechette";
