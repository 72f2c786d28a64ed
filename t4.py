def sub(p, pairs):
    s=open(p).read()
    for o,n in pairs:
        assert s.count(o)==1,(p,o,s.count(o)); s=s.replace(o,n)
    open(p,'w').write(s)
sub('tests/unit/cli/test_check_and_mappings.py',[('''def test_a_mapping_of_another_company_is_found''','''def test_a_missing_parameter_is_to_be_written_into_the_workspace(here: Path) -> None:
    path = here / "templates" / "plain" / "template.yaml"
    text = path.read_text().replace("{ledger: {default: GL}}", "{ledger: {help: which ledger}}")
    path.write_text(text)
    settings(
        here,
        f"""\\
companies:
  a: {{id: {ID}, template: plain, mapping: acme.yaml, parameters: {{ledger: GL}}}}
  b: {{id: {OTHER}, template: plain, mapping: other.yaml}}
""",
    )
    (here / "other.yaml").write_text((here / "acme.yaml").read_text().replace(ID, OTHER))
    (error,) = json.loads(run("check", "--json").stdout)["errors"]
    assert (error["code"], error["where"]) == ("TPL-14", "pleo-etl.yaml:3:6")
    written = 'write "ledger: VALUE" under parameters of company b in pleo-etl.yaml'
    assert error["fix"] == f"{written} (which ledger)"


def test_a_mapping_of_another_company_is_found''')])
sub('tests/unit/cli/test_templates.py',[('''def test_a_template_without_cases_says''','''def test_a_parameter_that_a_case_lacks_is_to_be_written_into_its_file(made: Path) -> None:
    path = made / "template.yaml"
    path.write_text(path.read_text() + "parameters: {client: {type: digits}}\\n")
    result = run("test", "acme-erp")
    assert "  at templates/acme-erp/cases/plain/parameters.yaml" in result.stderr
    assert "  fix: write client: VALUE into it" in result.stderr


def test_a_template_without_cases_says''')])
sub('tests/unit/cli/test_live_flow.py',[('''def test_approving_names_who_and_the_hash''','''def test_run_says_where_a_missing_parameter_is_to_be_written(live: Live) -> None:
    template = live.root / "templates" / "plain" / "template.yaml"
    template.write_text(template.read_text().replace("{default: GL}", "{}"))
    live.job()
    said = live.run("run").stderr
    assert 'fix: write "ledger: VALUE" under parameters of company acme in pleo-etl.yaml' in said


def test_approving_names_who_and_the_hash''')])
