// Which HEALPix cell of the nested scheme a position lies in (Górski et al. 2005, §5).

const TWO_THIRDS = 2 / 3;

export function cellOf(order, longitude, latitude) {
  const side = 2 ** order;
  const z = Math.sin(latitude * Math.PI / 180);
  const turn = ((longitude % 360 + 360) % 360) / 90;
  return Math.abs(z) <= TWO_THIRDS ? equatorial(side, z, turn) : polar(side, z, turn);
}

function equatorial(side, z, turn) {
  const rising = Math.floor(side * (0.5 + turn - z * 0.75));
  const falling = Math.floor(side * (0.5 + turn + z * 0.75));
  const [up, down] = [Math.floor(rising / side), Math.floor(falling / side)];
  const face = up === down ? up % 4 + 4 : up < down ? up % 4 : down % 4 + 8;
  return nested(side, face, falling % side, side - rising % side - 1);
}

function polar(side, z, turn) {
  const quarter = Math.min(3, Math.floor(turn));
  const within = turn - quarter;
  const reach = side * Math.sqrt(3 * (1 - Math.abs(z)));
  const rising = Math.min(side - 1, Math.floor(within * reach));
  const falling = Math.min(side - 1, Math.floor((1 - within) * reach));
  return z > 0 ? nested(side, quarter, side - falling - 1, side - rising - 1) : nested(side, quarter + 8, rising, falling);
}

function nested(side, face, x, y) {
  let cell = 0;
  for (let bit = side / 2, place = side * side / 4; bit >= 1; bit /= 2, place /= 4) {
    if (x & bit) cell += place;
    if (y & bit) cell += 2 * place;
  }
  return face * side * side + cell;
}
