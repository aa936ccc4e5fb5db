//! Did you mean.

/// The name that `wrong` is most likely a slip of: at most a third of it differs.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distances = names.map(|name| (distance(wrong, name), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= wrong.chars().count() / 3).then_some(name)
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut corner = index;
        let mut before = index + 1;
        let mut next = vec![before];
        for (to, above) in right.chars().zip(row.iter().skip(1)) {
            before = (before + 1).min(above + 1).min(corner + usize::from(from != to));
            corner = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_others_are_not() {
        let names = ["docker.dir", "docker.bin-dir", "network.flannel"];
        for (wrong, name) in [
            ("docker.dri", Some("docker.dir")),
            ("docker.bindir", Some("docker.bin-dir")),
            ("netwrok.flannel", Some("network.flannel")),
            ("registry-mirrors", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, names.into_iter()), name, "{wrong}");
        }
    }

    #[test]
    fn the_distance_counts_edits() {
        for (left, right, edits) in
            [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("ab", "", 2)]
        {
            assert_eq!(distance(left, right), edits, "{left} {right}");
        }
    }
}
